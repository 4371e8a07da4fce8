/** The configurations of examples/decision, run by the programs that they are for. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type StartedProcess, startProcess } from '../../loadtest/child-process.ts'
import { REPOSITORY_ROOT, readRepositoryFile } from '../architecture/repository.ts'
import {
  decisionPlan,
  expired,
  KEY,
  portOfItsOwn,
  sessionOf,
  token,
} from '../support/decision-plan.ts'
import { eventually } from '../support/eventually.ts'
import { type Answer, ask, echoOf, type Fields, valuesOf } from '../support/gateway-answer.ts'
import { bearer } from '../support/live-token.ts'
import { missingProgram } from '../support/missing-program.ts'
import {
  listeningOn,
  PROXY_PROGRAMS,
  type ProxyProgram,
  withAddresses,
} from '../support/proxy-programs.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

/** Those that have no port 80 in their examples. */
interface AskingProgram extends ProxyProgram {
  /** The example, on this port of loopback. */
  readonly here: (text: string, port: number) => string
}

const PROGRAMS: readonly AskingProgram[] = [
  ...PROXY_PROGRAMS.map((program) => ({ ...program, here: listeningOn })),
  {
    ...{ name: 'Caddy', command: 'caddy', versionOption: 'version', file: 'Caddyfile' },
    options: (file) => ['run', '--config', file, '--adapter', 'caddyfile'],
    here: (text, port) => {
      const site = `{\n\tadmin off\n}\nhttp://:${port} {\n\tbind 127.0.0.1\n`
      return text.replace(' 10.0.0.12:8082', '').replace('orders.example.com {\n', site)
    },
  },
  {
    ...{ name: 'Traefik', command: 'traefik', versionOption: 'version', file: 'traefik.yaml' },
    options: (file) => [
      `--entryPoints.websecure.address=127.0.0.1:${/([0-9]+)-traefik/.exec(file)?.[1]}`,
      `--providers.file.filename=${file}`,
    ],
    here: (text) =>
      text.replace('Host(`orders.example.com`)', 'PathPrefix(`/`)').replace('      tls: {}\n', ''),
  },
]

const CLIENT = '127.0.0.9'
const OTHER_CLIENT = '127.0.0.10'
const LIE = 'evil-7f3a'
/** Read by the programs from beside their configurations. */
const BESIDE = ['decided-fields.conf', 'sallyport.lua']

let directory = ''
let orders: UpstreamServer
let gateway: TestGateway
let decisionPort = 0
let cookie = ''
const started: StartedProcess[] = []

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-decision-'))
  for (const file of BESIDE) {
    copyFileSync(join(REPOSITORY_ROOT, 'examples/decision', file), join(directory, file))
  }
  orders = await startEchoUpstream()
  const closed = await reservePort()
  const settings = { port: 0, host: '127.0.0.1', compat: 'nginx' }
  gateway = await openGateway(decisionPlan(closed, settings))
  decisionPort = await portOfItsOwn(gateway)
  cookie = await sessionOf(gateway, 'carol')
})

after(async () => {
  for (const program of started) await program.stop()
  await gateway.stop()
  await orders.close()
  rmSync(directory, { recursive: true })
})

/** @param asksAt Port of the decision endpoint. */
async function start(
  { command, file, options, here }: AskingProgram,
  asksAt: number,
): Promise<number> {
  const port = await reservePort()
  const path = join(directory, `${port}-${file}`)
  const { text } = readRepositoryFile(`examples/decision/${file}`)
  const addresses = {
    '10.0.0.11:8082': asksAt,
    '10.0.0.21:3000': Number(new URL(orders.origin).port),
  }
  const configured = withAddresses(here(text, port), addresses)
  writeFileSync(path, configured.replace('lua-load ', `lua-load ${directory}/`))
  started.push(await startProcess(command, options(path, directory), port))
  return port
}

describe('a proxy that asks, as examples/decision configures it', () => {
  for (const program of PROGRAMS) {
    const skip = missingProgram(program.command, [program.versionOption])
    describe(program.name, { skip }, () => {
      let port = 0
      const asked = (path: string, fields: Fields = [], method = 'GET'): Promise<Answer> =>
        ask({ port, localAddress: CLIENT }, path, [['Host', 'shop.example'], ...fields], method)
      const statusOf = async (path: string, fields: Fields = [], method = 'GET') =>
        (await asked(path, fields, method)).status

      before(async () => {
        port = await start(program, decisionPort)
        await eventually(`${program.name} serves`, async () => (await statusOf('/open/x')) === 200)
      })

      it('lets pass who may, and tells the service who it is', async () => {
        for (const [credential, user] of [
          [bearer(token), 'user-1'],
          [[['X-API-Key', KEY]], 'machine-1'],
          [[['Cookie', cookie]], 'carol'],
        ] as const) {
          const answer = await asked('/orders/1?a=b%20c', credential)
          assert.equal(answer.status, 200, answer.text)
          const echo = echoOf(answer)
          assert.equal(echo.url, '/orders/1?a=b%20c')
          assert.deepEqual(valuesOf(echo, 'x-user-id'), [user])
          assert.deepEqual(valuesOf(echo, 'authorization'), [])
          assert.deepEqual(valuesOf(echo, 'x-api-key'), [])
        }
      })

      it('sends bodies on that the gateway never sees', async () => {
        const body: Fields = [...bearer(token), ['Content-Length', '0']]
        assert.equal(await statusOf('/orders/1', body, 'POST'), 200)
      })

      it('refuses everybody else, with a status that says why', async () => {
        assert.equal(await statusOf('/orders/1'), 401)
        assert.equal(await statusOf('/orders/1', bearer(expired)), 401)
        assert.equal(await statusOf('/orders/1', bearer(`${token}x`)), 401)
        assert.equal(await statusOf('/admin/1', bearer(token)), 403)
        const atTenant = (name: string) =>
          ask(port, '/tenant/1', [['Host', `${name}.tenants.example.com`], ...bearer(token)])
        assert.equal((await atTenant('globex')).status, 403)
        assert.equal((await atTenant('acme')).status, 200)
        assert.equal(await statusOf('/opaque/1', bearer('opaque-0123456789abcdef')), 503)
        assert.equal(await statusOf('/nowhere'), 404)
        const refused = await asked('/orders/1', bearer(expired))
        assert.match(refused.field('www-authenticate') ?? '', /invalid_token/)
        assert.match(refused.text, /token_expired/)
      })

      it('says when to come back', async () => {
        const from = (localAddress: string) =>
          ask({ port, localAddress }, '/limited/1', [['Host', `${program.command}.example`]])
        // The limit is for all programs of this test, and they have one client.
        while ((await from(CLIENT)).status === 200);
        const refused = await from(CLIENT)
        assert.equal(refused.status, 429)
        assert.match(refused.field('retry-after') ?? '', /^\d+$/)
      })

      it('believes nothing of the client', async () => {
        const names = ['X-User-Id', 'X-User-Roles', 'X-Token-Scopes', 'X-Tenant-Plan']
        const lies = names.map((name) => [name, LIE] as const)
        for (const credential of [[], bearer(token)] as const) {
          const answer = await asked('/open/1', [...lies, ...credential])
          assert.equal(answer.status, 200)
          assert.equal(answer.text.includes(LIE), false, answer.text)
        }
        const told: Fields = [
          ['X-Original-URL', 'http://shop.example/open/1'],
          ['X-Original-Method', 'GET'],
          ['X-Forwarded-Uri', '/open/1'],
          ['X-Forwarded-Method', 'GET'],
        ]
        assert.equal(await statusOf('/orders/1', told), 401)
        const far: Fields = [
          ['X-Forwarded-For', '192.0.2.1'],
          ['X-Real-IP', '192.0.2.1'],
        ]
        assert.equal(await statusOf('/client/1', far), 403)
        assert.equal((await ask({ port, localAddress: OTHER_CLIENT }, '/client/1')).status, 200)
      })

      it('is not led past a route by a path that it reads otherwise', async () => {
        for (const path of ['/open/../orders/1', '/open/%2e%2e/orders/1', '//orders/1']) {
          assert.notEqual(await statusOf(path), 200, path)
        }
        assert.notEqual(await statusOf('/open/..%2forders/1'), 200)
        // Beyond ASCII: refused, or sent on in the one spelling that was decided about.
        const odd = await asked('/open/1\xff')
        if (odd.status === 200) assert.equal(echoOf(odd).url, '/open/1%FF')
      })

      it('is not led to another host by one that is told twice, or holds a query', async () => {
        const sent = async (target: string, host: string) => {
          const bytes = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
          return (await exchangeRaw({ port }, bytes)).answers[0]?.status
        }
        assert.equal(await sent('/hosted/1', 'public.example.com'), 200)
        assert.notEqual(await sent('/hosted/1', 'shop.example'), 200)
        assert.notEqual(await sent('http://shop.example/hosted/1', 'public.example.com'), 200)
        for (const host of [
          'public.example.com?',
          'public.example.com/open?',
          'a@public.example',
        ]) {
          assert.notEqual(await sent('/orders/1', host), 200, host)
        }
      })

      it('is not led to another host by what its clients write there', async () => {
        const at = async (host: string, target: string) => {
          const fields: Fields = [['Host', host], ...bearer(token)]
          return (await ask({ port, localAddress: CLIENT }, target, fields)).status
        }
        assert.equal(await at('shop.example', '/admin/1'), 403)
        // Behind each other, host and target would be "shop.example" and "/?/admin/1".
        for (const host of ['shop.example?', 'shop.example#', 'shop.example\xff', 'a.example,b']) {
          assert.equal(await at(host, '/admin/1'), 400, host)
          assert.equal(await at(host, '/open/1'), 400, host)
        }
        assert.equal((await at('b.example', 'http://a.example/admin/1')) === 200, false)
      })

      it('outlives a request with more fields than it can ask with', async () => {
        const many = Array.from({ length: 97 }, (_, index) => [`A${index}`, 'b'] as const)
        await asked('/orders/1', many).catch(() => null)
        assert.equal(await statusOf('/open/1'), 200)
      })

      it('fails closed when the gateway is gone', async () => {
        const own = await start(program, await reservePort())
        assert.ok((await ask(own, '/open/1')).status >= 500)
      })
    })
  }
})
