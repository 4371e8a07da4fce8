/** The compiled command, run as users run it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { LEAST_CONFIGURATION } from '../support/configuration-text.ts'
import { ecKeyPair } from '../support/key-documents.ts'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const DEADLINE_MS = 20_000

interface Outcome {
  readonly exitCode: number | null
  readonly output: string
  readonly errors: string
}

async function sallyport(words: readonly string[], environment = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MS,
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, output, errors }
}

describe('sallyport', () => {
  let directory = ''
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
  })
  after(() => {
    rmSync(directory, { recursive: true })
  })

  function file(name: string, content: string): string {
    const path = join(directory, name)
    writeFileSync(path, content)
    return path
  }

  it('prints its usage and its version', async () => {
    const help = await sallyport(['--help'])
    assert.equal(help.exitCode, 0)
    assert.match(help.output, /sallyport serve/)
    const version = await sallyport(['--version'])
    assert.equal(version.exitCode, 0)
    assert.match(version.output, /^\d+\.\d+\.\d+\n$/)
  })

  for (const words of [[], ['frobnicate'], ['serve'], ['check', '--config'], ['check', '--x']]) {
    it(`exits 2 with a readable line for "${words.join(' ')}"`, async () => {
      const { exitCode, output, errors } = await sallyport(words)
      assert.equal(exitCode, 2)
      assert.equal(output, '')
      assert.match(errors, /^sallyport: /)
      assert.doesNotMatch(errors, /\n {4}at /)
    })
  }

  for (const command of ['check', 'serve']) {
    it(`${command} exits 2 and prints every problem with its place`, async () => {
      const config = file('bad.yaml', 'server: { port: x }\nroutes: []\nstreams: {}\n')
      const { exitCode, errors } = await sallyport([command, '--config', config], {
        SALLYPORT_LISTENER_THREADS: '-1',
      })
      assert.equal(exitCode, 2)
      assert.deepEqual(errors.trimEnd().split('\n'), [
        `${config}: upstreams is required`,
        `${config}:1:17 server.port must be a whole number from 0 to 65535`,
        `${config}:2:9 routes must list at least one`,
        `${config}:3:10 streams is not available in this version`,
        `${config}: SALLYPORT_LISTENER_THREADS must be a whole number from 1 to 256`,
        '5 problems; nothing was started',
      ])
    })
  }

  it('check exits 2 when there is no such file', async () => {
    const { exitCode, errors } = await sallyport(['check', '--config', '/no/such/file'])
    assert.equal(exitCode, 2)
    assert.match(errors, /^\/no\/such\/file: cannot be read \(ENOENT\)\n/)
  })

  it('warns of internal tokens whose keys are made by each process, which is no mistake', async () => {
    const warned = async (identity: string) => {
      const config = file('internal.yaml', `${LEAST_CONFIGURATION}\nidentity: ${identity}\n`)
      const { exitCode, errors } = await sallyport(['check', '--config', config])
      assert.equal(exitCode, 0, errors)
      return errors
    }
    assert.match(
      await warned('{ strategy: internal-token }'),
      /^warning: identity\.internalToken: each process makes keys of its own\. .+keySecret/,
    )
    const secret = 'k'.repeat(32)
    const shared = `{ strategy: internal-token, internalToken: { keySecret: ${secret} } }`
    assert.equal(await warned(shared), '')
    assert.equal(await warned('{ strategy: headers }'), '', 'no route sends internal tokens')
  })

  it('keeps what a file holds from steering the terminal', async () => {
    const config = file('escape.yaml', `${LEAST_CONFIGURATION}\n"\\e[31mred": 1\n`)
    const { errors } = await sallyport(['check', '--config', config])
    assert.match(errors, /\?\[31mred is not a known setting/)
    assert.equal(errors.includes('\u001b'), false)
  })

  it('check warns of revocations whose keys may lie on two nodes of a cluster', async () => {
    const warned: [string, boolean][] = []
    for (const [keyPrefix, mode] of [
      ['revocation:', 'cluster'],
      ['{}{a}:', 'cluster'],
      ['my:{revocation}:', 'cluster'],
      ['revocation:', 'standalone'],
    ]) {
      const settings = { redis: { mode }, revocation: { keyPrefix } }
      const lines = Object.entries(settings).map(([name, it]) => `${name}: ${JSON.stringify(it)}`)
      const config = file('cluster.yaml', `${LEAST_CONFIGURATION}\n${lines.join('\n')}\n`)
      const { exitCode, errors } = await sallyport(['check', '--config', config])
      assert.equal(exitCode, 0)
      warned.push([`${keyPrefix} ${mode}`, /warning: revocation\.keyPrefix/.test(errors)])
    }
    assert.deepEqual(warned, [
      ['revocation: cluster', true],
      ['{}{a}: cluster', true],
      ['my:{revocation}: cluster', false],
      ['revocation: standalone', false],
    ])
  })

  const examples = [
    'minimal.yaml',
    'production.yaml',
    'credentials.yaml',
    'internal-token.yaml',
    'tenants.yaml',
    'rate-limits.yaml',
  ]
  for (const example of examples) {
    it(`check accepts examples/${example}`, async () => {
      const { exitCode, output, errors } = await sallyport(
        ['check', '--config', join('examples', example)],
        {
          SALLYPORT_ADMIN_TOKEN: 'a-token-for-this-test-only',
          INTERNAL_TOKEN_SECRET: 'a-secret-of-32-bytes-for-this-test-only',
        },
      )
      assert.equal(errors, '')
      assert.equal(exitCode, 0)
      assert.match(
        output,
        /is good: \d+ issuers?, \d+ upstreams?, \d+ routes?\nsignatures: the Rust .+ work\n$/,
      )
    })
  }

  it('explain exits 1 with the reason of a refusal, and 2 without a request', async () => {
    const config = file('explained.yaml', LEAST_CONFIGURATION)
    const described = await sallyport(['explain', '--config', config, '--url', '/users/1?c=secret'])
    assert.deepEqual([described.exitCode, described.errors], [1, ''])
    assert.match(described.output, /\nrefused: 401 missing_token \(credential_absent\)\n/)
    assert.doesNotMatch(described.output, /secret/)
    const nothing = await sallyport(['explain', '--config', config])
    assert.deepEqual([nothing.exitCode, nothing.output], [2, ''])
  })
})

describe('sallyport check --online', () => {
  let directory = ''
  let server: Server
  let origin = ''
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sallyport-online-'))
    const pair = ecKeyPair('P-256')
    const keys = [
      { ...pair.publicJwk, kid: 'good', use: 'sig' },
      { ...pair.privateJwk, kid: 'leaked' },
    ]
    server = createServer((request, response) => {
      if (request.url === '/keys') response.end(JSON.stringify({ keys }))
      else if (request.url === '/empty') response.end(JSON.stringify({ keys: [] }))
      else response.writeHead(302, { location: '/keys' }).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
    rmSync(directory, { recursive: true })
  })

  async function checkOnline(uri: string): Promise<Outcome> {
    const config = join(directory, 'gateway.yaml')
    const text = LEAST_CONFIGURATION.replace('https://idp.example.com/keys', uri)
    writeFileSync(config, text.replace('http://127.0.0.1:9500', origin))
    return sallyport(['check', '--online', '--config', config])
  }

  it('lists usable keys, and why others are skipped', async () => {
    const { exitCode, output } = await checkOnline(`${origin}/keys`)
    assert.equal(exitCode, 0)
    assert.match(output, /issuers\.main: 1 usable, 1 skipped\n/)
    assert.match(output, /usable {3}kid "good": ES256\n/)
    assert.match(output, /skipped {2}kid "leaked" at keys\[1\]: contains private key material/)
    assert.match(output, /keys: 1 usable, room for 100\n/)
  })

  it('exits 1 when an issuer has no usable key', async () => {
    const { exitCode, errors } = await checkOnline(`${origin}/empty`)
    assert.equal(exitCode, 1)
    assert.match(errors, /issuers\.main: 0 usable, 0 skipped/)
  })

  it('exits 1 when the key set cannot be fetched', async () => {
    const { exitCode, errors } = await checkOnline(`${origin}/moved`)
    assert.equal(exitCode, 1)
    assert.match(errors, /issuers\.main: no key set: .*\/moved: answers with 302: the answer is a/)
  })
})
