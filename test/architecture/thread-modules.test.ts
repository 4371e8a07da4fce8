import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const COMPILED = fileURLToPath(new URL('../../src', import.meta.url))
/** As the compiler writes them: what is imported or exported again ends its line. */
const IMPORTED = /^(?:import|export|\}) ?(?:.* )?(?:from )?['"]([^'"]+)['"];$/gm

/** The packages and files that a thread loads when it starts, from its entry on. */
function loadedBy(entry: string): ReadonlySet<string> {
  const loaded = new Set<string>()
  const waiting = [join(COMPILED, entry)]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (loaded.has(file)) continue
    loaded.add(file)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(IMPORTED)) {
      if (name.startsWith('.')) waiting.push(join(dirname(file), name))
      else loaded.add(name)
    }
  }
  return loaded
}

describe('what a thread loads when it starts', () => {
  it('is no schema, in a thread that serves requests: that is a tenth of its start', () => {
    const loaded = loadedBy('listener/listener-thread.js')
    assert.ok(loaded.size > 300 && loaded.has('piscina'), `only ${loaded.size} modules found`)
    for (const name of ['zod', 'yaml', join(COMPILED, 'config', 'setting.js')]) {
      assert.ok(!loaded.has(name), `${name} is loaded`)
    }
    assert.ok(loadedBy('config/load-config.js').has('zod'), 'the search finds no schema')
  })

  it('is a part of the HTTP client and nothing for Redis, until there is a Redis', () => {
    const script = `
      await import(${JSON.stringify(join(COMPILED, 'listener', 'compose.js'))})
      const { default: { _cache: packages } } = await import('node:module')
      console.log([...Object.keys(packages), ...process.moduleLoadList].join('\\n'))`
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
    })
    assert.equal(run.stderr, '')
    const loads = (name: string) => run.stdout.includes(name)
    assert.ok(loads('/undici/lib/dispatcher/client.js'), 'the search finds no HTTP client')
    for (const name of ['/undici/index.js', '/undici/lib/web/', 'internal/deps/undici']) {
      assert.ok(!loads(name), `${name} is loaded`)
    }
    assert.ok(!loads('/ioredis/'), 'the client for Redis is loaded')
  })

  it('is little, in a thread that only verifies signatures', () => {
    const loaded = loadedBy('verifiers/jwt/signature-worker.js')
    assert.ok(loaded.size > 5 && loaded.size < 30, `${loaded.size} modules`)
  })
})
