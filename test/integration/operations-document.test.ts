/** What docs/operations.md tells to copy is taken by the programs that it is for. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { projectFiles, readRepositoryFile } from '../architecture/repository.ts'
import { blockWith } from '../support/document-blocks.ts'
import { reservePort } from '../support/reserved-port.ts'

const DOCUMENT = 'docs/operations.md'
const { text } = readRepositoryFile(DOCUMENT)
/** Alerts that the rules of an installation may have, and that are explained. */
const ALERTS_MIN = 18

let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-operations-'))
})
after(() => rmSync(directory, { recursive: true }))

function snippet(language: string): string {
  return blockWith(DOCUMENT, language, '')
}

function missing(command: string): string | false {
  const isThere = spawnSync(command, ['-v'], { stdio: 'ignore' }).status === 0
  return isThere ? false : `NOT TESTED: ${command} is not installed`
}

/** Anchors as Markdown makes them of headings, and those that are set by hand. */
function anchors(): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#{2,} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
  const set = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)
  return new Set([...headings, ...set])
}

describe('docs/operations.md', () => {
  it('tells nginx what nginx takes', { skip: missing('nginx') }, async () => {
    const site = snippet('nginx').replace(/listen \d+;/, `listen 127.0.0.1:${await reservePort()};`)
    assert.match(site, /keepalive_timeout [1-7]s;/)
    const file = join(directory, 'nginx.conf')
    const pid = join(directory, 'nginx.pid')
    const frame = `pid ${pid};\nerror_log stderr;\nevents {}\nhttp {\n${site}}\n`
    writeFileSync(file, frame)
    const checked = spawnSync('nginx', ['-t', '-p', directory, '-c', file], { encoding: 'utf8' })
    assert.equal(checked.status, 0, checked.stderr)
  })

  it('tells HAProxy what HAProxy takes', { skip: missing('haproxy') }, () => {
    const file = join(directory, 'haproxy.cfg')
    writeFileSync(file, snippet('haproxy'))
    const checked = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' })
    assert.equal(checked.status, 0, checked.stderr)
  })

  it('gives Envoy a cluster that lets go of idle connections in time', () => {
    const { clusters } = parse(snippet('yaml')) as {
      readonly clusters: readonly {
        readonly typed_extension_protocol_options: Readonly<
          Record<
            string,
            { readonly common_http_protocol_options: { readonly idle_timeout: string } }
          >
        >
        readonly health_checks: readonly { readonly http_health_check: { readonly path: string } }[]
      }[]
    }
    const [cluster] = clusters
    const [protocol] = Object.values(cluster?.typed_extension_protocol_options ?? {})
    assert.match(protocol?.common_http_protocol_options.idle_timeout ?? '', /^[1-7]s$/)
    assert.equal(cluster?.health_checks[0]?.http_health_check.path, '/health/ready')
  })

  it('has every heading that other files of the project point to', () => {
    const known = anchors()
    assert.ok([...known].filter((anchor) => anchor.startsWith('sallyport-')).length >= ALERTS_MIN)
    const dead = projectFiles.flatMap((file) =>
      [...file.text.matchAll(/operations\.md#([a-z0-9-]+)/g)]
        .map(([, anchor = '']) => anchor)
        .filter((anchor) => !known.has(anchor))
        .map((anchor) => `${file.path}: ${anchor}`),
    )
    const within = [...text.matchAll(/\]\(#([a-z0-9-]+)\)/g)]
      .map(([, anchor = '']) => anchor)
      .filter((anchor) => !known.has(anchor))
    assert.deepEqual([...dead, ...within], [])
  })
})
