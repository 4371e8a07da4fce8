/**
 * Real programs in front of a gateway, with their defaults: the HttpClient of the JDK, curl and
 * Python. One that is not installed is skipped, and says so.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { only } from '../support/engine-differences.ts'
import { listen } from '../support/listening-port.ts'
import { missingProgram } from '../support/missing-program.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const JDK_CLIENT = fileURLToPath(
  new URL('../../../test/support/clients/JdkClient.java', import.meta.url),
)
const GETS = 200

let gateway: TestGateway

before(async () => {
  gateway = await openGateway({
    routes: {
      '/dav': { match: { path: '/dav', methods: ['PROPFIND'] }, authenticate: 'none' },
      '/npm/*': { match: { path: '/npm/*', encodedSlash: 'keep' }, authenticate: 'none' },
      '/*': { authenticate: 'none' },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
  })
})

after(() => gateway.stop())

/** What a program prints; the event loop goes on meanwhile, because the upstream is here. */
async function run(program: string, words: readonly string[]): Promise<string> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString('latin1')
  })
  child.stderr.resume()
  await once(child, 'close')
  return output
}

/** Counts the connections that come, and hands on their bytes. */
async function startCounter(port: number) {
  let count = 0
  const server = createServer((socket) => {
    count += 1
    const onward = connect(port, '127.0.0.1')
    for (const end of [socket, onward]) end.on('error', () => undefined)
    socket.pipe(onward).pipe(socket)
  })
  const origin = `http://127.0.0.1:${await listen(server)}`
  return { server, origin, connections: () => count }
}

const origin = () => `http://127.0.0.1:${gateway.port}`

describe('the HttpClient of the JDK', { skip: missingProgram('java') }, () => {
  const upgrades = only('native', 'upgrade')

  it('is served on one connection, and invited to send its bodies', upgrades, async () => {
    const front = await startCounter(gateway.port)
    const output = await run('java', [JDK_CLIENT, front.origin, String(GETS)])
    front.server.close()
    const expected = ['expect 200', 'small 200', 'after 200', 'propfind 200']
    assert.equal(output, [...Array(GETS).fill('get 200'), ...expected, ''].join('\n'))
    assert.equal(front.connections(), 1)
  })
})

describe('curl', { skip: missingProgram('curl') }, () => {
  const curl = (...words: string[]) => run('curl', ['-s', '--max-time', '20', ...words])

  it('goes on with one connection behind --http2, which asks for h2c', async () => {
    const urls = Array.from({ length: 20 }, (_, index) => `${origin()}/${index}`)
    const format = ['-o', '/dev/null', '-w', '%{num_connects} %{http_code}\n']
    const words = urls.flatMap((url) => ['--http2', url, ...format, '--next']).slice(0, -1)
    const lines = (await curl(...words)).trim().split('\n')
    assert.deepEqual(lines, ['1 200', ...Array(19).fill('0 200')])
  })

  it('uploads what it waits for 100 with, and gets one', async () => {
    const body = 'x'.repeat(100_000)
    const output = await curl('-i', '-H', 'Expect: 100-continue', '-d', body, `${origin()}/upload`)
    assert.equal(output.split('100 Continue').length - 1, 1)
    assert.match(output, /\r\n\r\n100000$/)
  })

  it('sends a cookie and a field with umlauts, PROPFIND, an empty query and a scoped package', async () => {
    const echo = async (...words: string[]) => JSON.parse(await curl(...words)) as { url: string }
    const { headers } = JSON.parse(
      Buffer.from(await curl('-b', 'name=Jürgen; a=b', `${origin()}/`), 'latin1').toString(),
    ) as { headers: { cookie: string } }
    assert.equal(Buffer.from(headers.cookie, 'latin1').toString(), 'name=Jürgen; a=b')
    assert.equal((await echo('-X', 'PROPFIND', `${origin()}/dav`)).url, '/dav')
    assert.equal((await echo(`${origin()}/a?`)).url, '/a?')
    assert.equal((await echo(`${origin()}/npm/@a%2fb`)).url, '/npm/@a%2Fb')
  })
})

const PYTHON = `
import http.client, json, sys
client = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
client.request('GET', '/', headers={'X-Name': 'M\\u00fcller (a)'})
echo = json.loads(client.getresponse().read())
client.request('PROPFIND', '/dav', body='x')
found = client.getresponse()
found.read()
print(ascii(echo['headers']['x-name'])[1:-1], found.status)
`

describe('Python', { skip: missingProgram('python3') }, () => {
  it('sends a field in Latin-1, which arrives as it was, and PROPFIND', async () => {
    const output = await run('python3', ['-c', PYTHON, String(gateway.port)])
    assert.equal(output, 'M\\xfcller (a) 200\n')
  })
})
