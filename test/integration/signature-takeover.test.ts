/** A gateway where the Rust binding, OpenSSL or the verification threads do not work. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import {
  JWS_ALGORITHM_TABLE,
  JWS_ALGORITHMS,
  type JwsAlgorithm,
} from '../../src/protocol/jws-algorithms.ts'
import {
  asCopy,
  copyProgram,
  installedPackages,
  notInstalled,
  type PackageChange,
} from '../support/copied-program.ts'
import { AUDIENCE, ISSUER, type MintingKey, mintKey, mintToken } from '../support/mint-token.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { startEchoUpstream } from '../support/upstream-servers.ts'

type Changes = Readonly<Record<string, PackageChange>>

const BINDING = '@node-rs/jsonwebtoken'
const SECRET = 's'.repeat(64)
const SECRET_ISSUER = 'https://secret.example.com/'
const isSymmetric = (algorithm: JwsAlgorithm) => algorithm.startsWith('HS')
/** Its binaries are packages of their own, one for each platform. */
const PLATFORM_BINARIES = installedPackages().filter((name) => name.startsWith(`${BINDING}-`))

let directory = ''
let config = ''
let upstream: Awaited<ReturnType<typeof startEchoUpstream>>
let keys: ReadonlyMap<JwsAlgorithm, MintingKey>

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-takeover-'))
  upstream = await startEchoUpstream()
  keys = new Map(JWS_ALGORITHMS.map((algorithm) => [algorithm, keyOf(algorithm)]))
  writeFileSync(join(directory, 'secret'), SECRET)
  writeFileSync(join(directory, 'keys.json'), JSON.stringify({ keys: publicKeys() }))
  config = await configFile(JWS_ALGORITHMS)
})

after(async () => {
  await upstream.close()
  rmSync(directory, { recursive: true })
})

function keyOf(algorithm: JwsAlgorithm): MintingKey {
  const key = mintKey(algorithm)
  return isSymmetric(algorithm) ? { ...key, signingKey: Buffer.from(SECRET) } : key
}

function publicKeys(): object[] {
  return [...keys.values()].flatMap(({ algorithm, keyId, verificationKey: { material } }) => {
    if (material.kind !== 'public') return []
    const jwk = createPublicKey(material.spkiPem).export({ format: 'jwk' })
    return [{ ...jwk, kid: keyId, alg: algorithm }]
  })
}

/** JSON is YAML. */
async function configFile(accepted: readonly JwsAlgorithm[]): Promise<string> {
  const file = join(directory, `gateway-${accepted.length}.yaml`)
  const issuer = { issuer: ISSUER, audiences: [AUDIENCE] }
  const [symmetric, asymmetric] = [true, false].map((wanted) =>
    accepted.filter((algorithm) => isSymmetric(algorithm) === wanted),
  )
  const settings = {
    server: { host: '127.0.0.1', port: await reservePort(), drain: { delay: '0s', timeout: '1s' } },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: {
      main: { ...issuer, algorithms: asymmetric, jwks: { file: 'keys.json' } },
      ...(symmetric?.length === 0
        ? {}
        : {
            secret: {
              ...issuer,
              issuer: SECRET_ISSUER,
              algorithms: symmetric,
              secretFile: 'secret',
            },
          }),
    },
    upstreams: { only: { targets: [upstream.origin] } },
    routes: [{ name: 'all', match: { path: '/*' }, upstream: 'only', authenticate: ['jwt'] }],
  }
  writeFileSync(file, JSON.stringify(settings))
  return file
}

/** A token that is good now, and the same with a signature of another key. */
async function tokens(algorithm: JwsAlgorithm): Promise<readonly [string, string]> {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const times = { iat: nowSeconds - 60, nbf: nowSeconds - 60, exp: nowSeconds + 600 }
  const issuer = isSymmetric(algorithm) ? { iss: SECRET_ISSUER } : {}
  const header = isSymmetric(algorithm) ? { kid: undefined } : {}
  const mint = (key: MintingKey) => mintToken(key, { ...times, ...issuer }, header)
  return [await mint(keys.get(algorithm) ?? mintKey(algorithm)), await mint(mintKey(algorithm))]
}

function run(
  test: TestContext,
  words: readonly string[],
  changes: Changes,
  edit?: (program: string) => void,
): SpawnedCommand {
  const program = join(directory, `program-${words[0]}-${Math.random().toString(36).slice(2)}`)
  mkdirSync(program)
  const main = copyProgram(program, changes)
  edit?.(join(program, 'src'))
  const command = new SpawnedCommand(words, {}, main)
  test.after(() => command.kill())
  return command
}

async function statusOf(port: number, token: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/x`, {
    headers: { authorization: `Bearer ${token}` },
  })
  await answer.arrayBuffer()
  return answer.status
}

/** The binding is there, but its binary is for another machine. */
const withBrokenBinary: PackageChange = (original, copy) => {
  asCopy(original, copy)
  const manifest = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8')) as { main: string }
  writeFileSync(join(copy, manifest.main), 'not a shared object')
}

/** A binding that finds every signature good. */
const gullible: PackageChange = (original, copy) => {
  asCopy(original, copy)
  writeFileSync(join(copy, 'index.js'), 'exports.verifySync = () => ({})')
}

const binaries = (change: PackageChange): Changes => ({
  [BINDING]: asCopy,
  ...Object.fromEntries(PLATFORM_BINARIES.map((name) => [name, change])),
})

const FAULTS = [
  ['not_installed', binaries(notInstalled), 'is not installed for this platform'],
  ['does_not_load', binaries(withBrokenBinary), 'does not load'],
  ['failed_proof', { [BINDING]: gullible }, 'failed its proof'],
] as const

for (const [reason, changes, words] of FAULTS) {
  describe(`a Rust binding that is out: ${reason}`, () => {
    it('is replaced by OpenSSL for every algorithm, and told in log, status and metrics', async (test) => {
      const gateway = run(test, ['serve', '--config', config], changes)
      const port = Number((await gateway.logged('listening'))['port'])
      const warning = gateway.logLine('signature_binding_unavailable')
      assert.equal(warning?.['level'], 'warn')
      assert.equal(warning?.['reason'], reason)
      const said = gateway.output.filter((line) => line.includes('signature_binding_unavailable'))
      assert.equal(said.length, 1, 'once, whatever the number of threads')
      const backends = gateway.logLine('signature_backends')
      assert.deepEqual([backends?.['openssl'], backends?.['rust']], [[...JWS_ALGORITHMS], []])

      for (const algorithm of JWS_ALGORITHMS) {
        const [good, forged] = await tokens(algorithm)
        assert.equal(await statusOf(port, good), 200, algorithm)
        assert.equal(await statusOf(port, forged), 401, algorithm)
      }

      const admin = `http://127.0.0.1:${Number(gateway.logLine('admin_listening')?.['port'])}`
      const status = (await (await fetch(`${admin}/status`)).json()) as {
        readonly signatures: { readonly binding: string; readonly backends: object }
      }
      assert.equal(status.signatures.binding, reason)
      assert.deepEqual(new Set(Object.values(status.signatures.backends)), new Set(['openssl']))
      const metrics = await (await fetch(`${admin}/metrics`)).text()
      const metric = 'sallyport_signature_binding_state'
      assert.ok(metrics.includes(`${metric}{state="${reason}"} 1`))
      assert.ok(metrics.includes(`${metric}{state="works"} 0`))
      assert.ok(metrics.includes('sallyport_verification_threads_lost_total 0'))
    })

    it('is told by check, which passes', async (test) => {
      const check = run(test, ['check', '--config', config], changes)
      assert.equal((await check.ended()).exitCode, 0)
      assert.deepEqual(check.errors, [
        `signatures: the Rust binding ${words}; OpenSSL checks all algorithms`,
      ])
    })
  })
}

describe('an algorithm that nothing checks', () => {
  /** As where a policy of the machine forbids Ed25519. */
  function withoutEd25519(program: string): void {
    const file = join(program, 'verifiers', 'jwt', 'openssl-backend.js')
    const code = readFileSync(file, 'utf8')
    const refusal = "if (this.#hash === null) throw new Error('unsupported'); return verify("
    const changed = code.replace('return verify(', refusal)
    assert.notEqual(changed, code)
    writeFileSync(file, changed)
  }
  const message =
    /nothing on this machine checks signatures of EdDSA \(issuers\.main\): the Rust binding/

  it('keeps the gateway from starting when an issuer accepts it', async (test) => {
    const changes = binaries(notInstalled)
    const gateway = run(test, ['serve', '--config', config], changes, withoutEd25519)
    const end = await gateway.ended()
    assert.deepEqual(end, { exitCode: 2, signal: null })
    assert.equal(gateway.errors.length, 1, gateway.errors.join('\n'))
    assert.match(gateway.errors[0] ?? '', message)
    assert.equal(gateway.logLine('listener_started'), null)

    const check = run(test, ['check', '--config', config], changes, withoutEd25519)
    assert.equal((await check.ended()).exitCode, 2)
    assert.match(check.errors.join('\n'), message)
  })

  it('does not matter when no issuer accepts it', async (test) => {
    const others = await configFile(JWS_ALGORITHMS.filter((algorithm) => algorithm !== 'EdDSA'))
    const gateway = run(test, ['serve', '--config', others], binaries(notInstalled), withoutEd25519)
    const port = Number((await gateway.logged('listening'))['port'])
    assert.equal(await statusOf(port, (await tokens('ES256'))[0]), 200)
  })

  it('is left to the binding, which works', async (test) => {
    const gateway = run(test, ['serve', '--config', config], {}, withoutEd25519)
    const port = Number((await gateway.logged('listening'))['port'])
    const [good, forged] = await tokens('EdDSA')
    assert.deepEqual([await statusOf(port, good), await statusOf(port, forged)], [200, 401])
    assert.equal(gateway.logLine('signature_binding_unavailable'), null)
    const backends = gateway.logLine('signature_backends')
    for (const backend of ['openssl', 'rust'] as const) {
      const ofTable = JWS_ALGORITHMS.filter((name) => JWS_ALGORITHM_TABLE[name].backend === backend)
      assert.deepEqual(backends?.[backend], ofTable)
    }
  })
})

describe('a verification thread that cannot start', () => {
  function broken(statement: string): (program: string) => void {
    return (program) => {
      const file = join(program, 'verifiers', 'jwt', 'signature-worker.js')
      writeFileSync(file, `${statement}\n${readFileSync(file, 'utf8')}`)
    }
  }

  for (const [loss, statement] of [
    ['failed', "throw new TypeError('no such thing')"],
    ['exited', 'process.exit(3)'],
  ] as const) {
    it(`keeps the gateway from starting, and is in the log: ${loss}`, async (test) => {
      const gateway = run(test, ['serve', '--config', config], {}, broken(statement))
      assert.deepEqual(await gateway.ended(), { exitCode: 2, signal: null })
      assert.deepEqual(gateway.errors, [
        'sallyport: server: a verification thread ended while it started; the log says more',
      ])
      const lost = gateway.logLine('verification_thread_lost')
      assert.equal(lost?.['loss'], loss)
      assert.equal(lost?.['level'], 'error')
      if (loss === 'failed') assert.equal(lost?.['errorName'], 'TypeError')
    })
  }

  it('is waited for no longer than ten seconds', async (test) => {
    const stuck = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
    const gateway = run(test, ['serve', '--config', config], {}, broken(stuck))
    assert.deepEqual(await gateway.ended(), { exitCode: 2, signal: null })
    assert.deepEqual(gateway.errors, [
      'sallyport: server: the verification threads did not start within 10 s',
    ])
  })
})
