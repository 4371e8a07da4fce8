/** What an operator relies on in the image, as far as it can be read off its recipe. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readRepositoryFile } from './repository.ts'

/** Instructions with their continuation lines joined and comments removed. */
function instructions(): readonly string[] {
  const { text } = readRepositoryFile('Dockerfile')
  return text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function lastStage(): readonly string[] {
  const all = instructions()
  return all.slice(all.findLastIndex((line) => line.startsWith('FROM ')))
}

describe('the container image', () => {
  it('is Debian 13 with Node 24, where the native server runs as published', () => {
    const bases = instructions().filter((line) => line.startsWith('FROM '))
    assert.equal(bases.length, 2)
    for (const base of bases) assert.match(base, /^FROM node:24[0-9.]*-trixie-slim\b/)
  })

  it('runs as a user without rights, told by number so that Kubernetes can check it', () => {
    const users = lastStage().filter((line) => line.startsWith('USER '))
    assert.deepEqual(users, ['USER 1000:1000'])
  })

  it('says when it is alive, drains on SIGTERM and names both ports', () => {
    const stage = lastStage().join('\n')
    const file = '"--config", "/etc/sallyport/gateway.yaml"]'
    assert.ok(stage.includes(`CMD ["serve", ${file}`))
    const [check = ''] = lastStage().filter((line) => line.startsWith('HEALTHCHECK '))
    assert.ok(check.endsWith(` CMD ["node", "dist/main.js", "health", ${file}`), check)
    assert.match(stage, /^STOPSIGNAL SIGTERM$/m)
    assert.match(stage, /^EXPOSE 8080 9090$/m)
    assert.match(stage, /^(ENTRYPOINT|CMD) \[/m)
  })

  it('ships no development packages and writes nothing at run time', () => {
    assert.match(instructions().join('\n'), /npm prune --omit=dev/)
    const stage = lastStage()
    assert.deepEqual(
      stage.filter((line) => line.startsWith('RUN ')),
      [],
    )
    const copied = stage.filter((line) => line.startsWith('COPY '))
    for (const line of copied) assert.match(line, /--from=build/)
  })

  it('carries what the program reads when it starts', () => {
    const copied = lastStage().filter((line) => line.startsWith('COPY '))
    const paths = ['package.json', 'node_modules', 'dist', 'scripts/native-server-binaries.json']
    for (const path of paths) {
      const from = `COPY --from=build /opt/sallyport/${path} `
      assert.ok(
        copied.some((line) => line.startsWith(from)),
        path,
      )
    }
  })

  it('takes nothing into the build that the build does not need', () => {
    const ignored = readRepositoryFile('.dockerignore').lines
    for (const name of ['node_modules', 'dist', 'build', '.git']) assert.ok(ignored.includes(name))
  })
})
