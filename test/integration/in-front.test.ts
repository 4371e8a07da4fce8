/** The configurations of examples/in-front, run by the programs that they are for. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type StartedProcess, startProcess } from '../../loadtest/child-process.ts'
import { readRepositoryFile } from '../architecture/repository.ts'
import { eventually } from '../support/eventually.ts'
import {
  type Answer,
  ask,
  echoOf,
  type Fields,
  statusAndCode,
  valuesOf,
} from '../support/gateway-answer.ts'
import { missingProgram } from '../support/missing-program.ts'
import {
  listeningOn,
  PROXY_PROGRAMS,
  type ProxyProgram,
  withAddresses,
} from '../support/proxy-programs.ts'
import { reservePort } from '../support/reserved-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const PROXY = '127.0.0.1'
const CLIENT = '127.0.0.9'
const LIE = 'evil-7f3a'
/** UUID of version 7, which no program but the gateway makes. */
const OWN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7/

let directory = ''
let gateway: TestGateway
const started: StartedProcess[] = []

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-in-front-'))
  gateway = await openGateway({
    server: { trustedProxies: [PROXY] },
    sessions: { store: 'memory' },
    routes: {
      '/client/*': { authenticate: 'none', allowFrom: [CLIENT] },
      '/app/*': { authenticate: ['session'], loginRedirect: { url: '/login' } },
      '/*': { authenticate: 'none' },
    },
  })
})

after(async () => {
  for (const program of started) await program.stop()
  await gateway.stop()
  rmSync(directory, { recursive: true })
})

/** The example with the one gateway of the test in place of two, on free ports of loopback. */
function configuration(file: string, port: number): string {
  const { text } = readRepositoryFile(`examples/in-front/${file}`)
  return listeningOn(withAddresses(text, { '10.0.0.11:8080': gateway.port }), port)
}

async function start({ command, file, options }: ProxyProgram): Promise<number> {
  const port = await reservePort()
  const path = join(directory, file)
  writeFileSync(path, configuration(file, port))
  started.push(await startProcess(command, options(path, directory), port))
  return port
}

describe('a program in front, as examples/in-front configures it', () => {
  for (const program of PROXY_PROGRAMS) {
    const skip = missingProgram(program.command, [program.versionOption])
    describe(program.name, { skip }, () => {
      let port = 0
      const asked = (path: string, fields: Fields = [], method = 'GET'): Promise<Answer> =>
        ask({ port, localAddress: CLIENT }, path, [['Host', 'shop.example'], ...fields], method)

      before(async () => {
        port = await start(program)
        const isUp = async () => (await asked('/x')).status === 200
        await eventually(`${program.name} has seen that the gateway is ready`, isUp)
      })

      it('tells the gateway who the client is, and what was asked for', async () => {
        const answer = await asked('/a/b%20c?d=1')
        const echo = echoOf(answer)
        assert.equal(echo.url, '/a/b%20c?d=1')
        assert.deepEqual(valuesOf(echo, 'x-real-ip'), [CLIENT])
        assert.deepEqual(valuesOf(echo, 'x-forwarded-for'), [`${CLIENT}, ${PROXY}`])
        assert.deepEqual(valuesOf(echo, 'forwarded'), [
          `for=${CLIENT};host="shop.example";proto=http`,
        ])
        assert.equal((await asked('/client/x')).status, 200)
        assert.equal((await ask(port, '/client/x')).status, 403)
      })

      it('believes nothing of it that the client says', async () => {
        const names = ['X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Prefix', 'X-Real-IP']
        const more = ['X-Forwarded-Port', 'X-Forwarded-Proto', 'Forwarded', 'Remote-User']
        const lies = [...names, ...more, 'X-Request-Id', 'X_Real_IP'].map((name) => {
          return [name, name === 'Forwarded' ? `for=6.6.6.6;host=${LIE};proto=https` : LIE] as const
        })
        const answer = await asked('/client/x', lies)
        assert.equal(answer.status, 200)
        const told = JSON.stringify([echoOf(answer).rawHeaders, answer.headers])
        assert.equal(told.includes(LIE), false, told)
        assert.equal(told.includes('6.6.6.6'), false)
        const page = await asked('/app/x', [['Accept', 'text/html'], ...lies])
        const returned = encodeURIComponent('http://shop.example/app/x')
        assert.equal(page.field('location'), `/login?return_to=${returned}`)
      })

      it('passes refusals on with their code, and its request id', async () => {
        const answer = await asked('/app/x', [], 'POST')
        assert.equal(statusAndCode(answer), '401 no_session')
        assert.equal(answer.field('x-sallyport-code'), 'no_session')
        const id = (JSON.parse(answer.text) as { readonly request_id: string }).request_id
        assert.doesNotMatch(id, OWN_ID)
        assert.equal(answer.field('x-request-id'), id)
      })
    })
  }

  it('lets go of idle connections before the native server does', () => {
    const text = (file: string) => readRepositoryFile(`examples/in-front/${file}`).text
    assert.match(text('nginx.conf'), /keepalive_timeout [1-7]s;/)
    assert.match(text('haproxy.cfg'), /pool-purge-delay [1-7]s /)
    assert.match(text('envoy.yaml'), /idle_timeout: [1-7]s \}/)
  })
})
