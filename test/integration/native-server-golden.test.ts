/**
 * What the native server does, pinned: not what we wish for, but what the code above it relies on.
 * A build that behaves otherwise must fail here before it can change the meaning of a request.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import {
  chooseNativeBinary,
  loadNativeBinary,
  type NativeApp,
  type NativeResponse,
} from '../../src/server/native-binary.ts'
import { listenNatively } from '../support/native-port.ts'
import { answerHeader, exchangeRaw, openRaw, type RawReply } from '../support/raw-http.ts'
import { reservePort } from '../support/reserved-port.ts'

const HEAD_BYTES_MAX = 20_000
const HOST = 'Host: a\r\n'

const binary = chooseNativeBinary({ allowUnknown: false, headBytesMax: HEAD_BYTES_MAX })
const native = loadNativeBinary(binary)

/** What the handler saw of a request, on one line. */
const seen: string[] = []
let aborts = 0
let app: NativeApp
let port = 0
let connections = 0

const later = (step: () => void) => setImmediate(step)

const HANDLERS: Record<string, (response: NativeResponse) => void> = {
  '/pending': () => undefined,
  '/body': (response) => {
    response.onData((chunk, isLast) => {
      seen.push(`chunk ${Buffer.from(chunk).toString('latin1')} ${isLast}`)
      if (isLast) response.end('ok')
    })
  },
  '/late-body': (response) =>
    setTimeout(() => response.onData((chunk) => seen.push(`late ${chunk.byteLength}`)), 50),
  '/detached': (response) => {
    response.onData((chunk, isLast) => {
      later(() => seen.push(`length afterwards ${chunk.byteLength}`))
      if (isLast) later(() => response.cork(() => response.end('ok')))
    })
  },
  '/close-flag': (response) => response.end('ok', true),
  '/end-to-head': (response) => response.end('body'),
  '/without-body': (response) => response.endWithoutBody(5),
  '/304': (response) => response.writeStatus('304 Not Modified').endWithoutBody(),
  '/own-date': (response) => response.writeHeader('Date', 'mine').end('ok'),
  '/split': (response) => response.writeHeader('X-A', 'b\r\nX-Injected: c').end('ok'),
  '/chunked': (response) => {
    response.write('abc')
    response.end()
  },
  '/chunked-close': (response) => {
    response.write('abc')
    response.end(undefined, true)
  },
  '/late-use': (response) => {
    response.end('ok')
    try {
      response.cork(() => undefined)
    } catch {
      seen.push('throws')
    }
  },
}

before(async () => {
  native._cfg?.('999999990007')
  app = native.App()
  app.any('/*', (response, request) => {
    const fields: string[] = []
    request.forEach((name, value) => {
      fields.push(`${name}=${value}`)
    })
    const method = request.getCaseSensitiveMethod()
    const query = request.getQuery() as string | undefined
    seen.push([method, request.getUrl(), String(query), ...fields].join(' '))
    response.onAborted(() => {
      aborts += 1
    })
    const handler = HANDLERS[request.getUrl()]
    if (handler === undefined) response.end('ok')
    else handler(response)
  })
  const onConnections = (_response: NativeResponse, change: unknown) => {
    connections += Number(change)
  }
  app.filter(onConnections)
  port = await listenNatively(native, app)
})

after(() => app.close())

/** Sends, and reports the answer and what the handler saw of it. */
async function probe(text: string, answers = 1): Promise<RawReply & { readonly saw: string[] }> {
  seen.length = 0
  const method = text.split(' ', 1)[0] ?? 'GET'
  const reply = await exchangeRaw(port, text, { deadlineMs: 400, answers, methods: [method] })
  return { ...reply, saw: [...seen] }
}

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`
const post = (target: string, fields: string, body = '') =>
  `POST ${target} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`

describe('what the native parser refuses by itself', () => {
  const refused: Record<string, readonly [request: string, status: number]> = {
    'a missing Host': ['GET / HTTP/1.1\r\nA: b\r\n\r\n', 400],
    'a repeated Host': [get('/', HOST), 400],
    'Transfer-Encoding with Content-Length': [
      post('/', 'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n'),
      400,
    ],
    'a space in a field name': [get('/', 'a b: c\r\n'), 400],
    'a space before the colon': [get('/', 'a : c\r\n'), 400],
    'a folded field': [get('/', 'a: b\r\n c\r\n'), 400],
    'a control character in a value': [get('/', 'a: b\x01\r\n'), 400],
    'a bare line feed': [get('/', 'a: b\nc: d\r\n'), 400],
    'a control character in the target': [get('/a\x01'), 505],
    'HTTP/1.0': [`GET / HTTP/1.0\r\n${HOST}\r\n`, 505],
    'the absolute form': [get('http://a/'), 505],
    'the asterisk form': [`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, 505],
    'a head larger than configured': [get('/', `a: ${'b'.repeat(HEAD_BYTES_MAX)}\r\n`), 431],
    'more than 98 fields': [get('/', 'a: b\r\n'.repeat(98)), 431],
  }
  for (const [name, [request, status]] of Object.entries(refused)) {
    it(`is ${name}`, async () => {
      const reply = await probe(request)
      assert.deepEqual(reply.saw, [])
      assert.equal(reply.answers[0]?.status, status)
      assert.ok(reply.closed)
    })
  }
})

describe('what the native parser lets through, so that we have to refuse it', () => {
  const passed: Record<string, readonly [request: string, saw: string]> = {
    'two lengths': [
      post('/', 'Content-Length: 0\r\nContent-Length: 1\r\n'),
      'POST / undefined host=a content-length=0 content-length=1',
    ],
    'an empty length': [
      post('/', 'Content-Length: \r\n'),
      'POST / undefined host=a content-length=',
    ],
    'an empty Host': ['GET / HTTP/1.1\r\nHost: \r\n\r\n', 'GET / undefined host='],
    'methods in lower case': [`get / HTTP/1.1\r\n${HOST}\r\n`, 'get / undefined host=a'],
    'methods that are no token': [`GET[ / HTTP/1.1\r\n${HOST}\r\n`, 'GET[ / undefined host=a'],
    'a fragment': [get('/a#b'), 'GET /a#b undefined host=a'],
    'dot segments': [get('/a/../b'), 'GET /a/../b undefined host=a'],
    'DEL in the target': [get('/a\x7f'), 'GET /a\x7f undefined host=a'],
    'non-ASCII bytes in the target, replaced': [get('/\xff'), 'GET /\ufffd undefined host=a'],
    'non-ASCII bytes in values, replaced': [
      get('/', 'a: b\xffc\r\n'),
      'GET / undefined host=a a=b\ufffdc',
    ],
    'non-ASCII bytes at the ends of values, trimmed': [
      get('/', 'a: \xff\x80b\xc3\xa9\r\n'),
      'GET / undefined host=a a=b',
    ],
    'underscores in names': [get('/', 'a_b: c\r\n'), 'GET / undefined host=a a_b=c'],
    'an empty name, which hides the rest': [get('/', ': x\r\nb: c\r\n'), 'GET / undefined host=a'],
    'an empty query, as no undefined': [get('/a?'), 'GET /a  host=a'],
    '98 fields': [get('/', 'a: b\r\n'.repeat(97)), `GET / undefined host=a${' a=b'.repeat(97)}`],
  }
  for (const [name, [request, saw]] of Object.entries(passed)) {
    it(`is ${name}`, async () => {
      const reply = await probe(request)
      assert.deepEqual(reply.saw, [saw])
    })
  }

  it('is any Transfer-Encoding, read as chunked', async () => {
    const reply = await probe(post('/body', 'Transfer-Encoding: gzip\r\n', '1\r\na\r\n0\r\n\r\n'))
    assert.deepEqual(reply.saw.slice(1), ['chunk a false', 'chunk  true'])
  })

  it('is a chunk size with a semicolon, misread', async () => {
    const body = '5;\r\nabcde\r\n0\r\n\r\n'
    const reply = await probe(post('/body', 'Transfer-Encoding: chunked\r\n', body))
    assert.equal(reply.answers.length, 0, 'the chunk is taken for a longer one')
  })

  it('is the PROXY protocol, from anybody', async () => {
    const header = '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x02\0\x01\0\x02'
    const reply = await probe(header + get('/'))
    assert.equal(reply.answers[0]?.status, 200)
  })
})

describe('connections', () => {
  it('answer pipelined requests, also behind an answer that announced closing', async () => {
    const plain = await probe(get('/') + get('/'), 2)
    assert.equal(plain.answers.length, 2)
    const closing = await probe(get('/close-flag') + get('/second'), 2)
    assert.equal(closing.saw.length, 2)
  })

  it('are cut when a second request comes while the first is pending', async () => {
    const abortsBefore = aborts
    const reply = await probe(get('/pending') + get('/'))
    assert.equal(reply.saw.length, 1)
    assert.ok(reply.closed)
    assert.equal(aborts, abortsBefore + 1)
  })

  it('are closed for any five characters in Connection, and for nothing else', async () => {
    for (const option of ['close', 'xxxxx', 'CLOSE']) {
      seen.length = 0
      const connection = await openRaw({ port })
      connection.send(get('/', `Connection: ${option}\r\n`))
      await connection.waitForClose(1_000)
    }
    const reply = await probe(get('/', 'Connection: close, x\r\n') + get('/'), 2)
    assert.equal(reply.answers.length, 2)
  })

  it('are counted by the filter', async () => {
    const connection = await openRaw({ port })
    connection.send(get('/'))
    await connection.waitForAnswers(1)
    assert.ok(connections >= 1)
    connection.destroy()
  })
})

describe('request bodies', () => {
  it('are invited by 100 Continue before anybody has asked for them', async () => {
    const reply = await probe(post('/body', 'Expect: 100-continue\r\nContent-Length: 1\r\n', 'a'))
    assert.deepEqual(
      reply.answers.map((answer) => answer.status),
      [100, 200],
    )
  })

  it('are lost when nothing listens as they arrive', async () => {
    const reply = await probe(post('/late-body', 'Content-Length: 1\r\n', 'a'))
    assert.deepEqual(reply.saw.slice(1), [])
  })

  it('come in buffers that are taken back', async () => {
    const reply = await probe(post('/detached', 'Content-Length: 1\r\n', 'a'))
    assert.deepEqual(reply.saw.slice(1), ['length afterwards 0'])
  })
})

describe('answers', () => {
  it('carry no header of the vendor', async () => {
    const reply = await probe(get('/'))
    assert.match(reply.text, /^HTTP\/1\.1 200 OK\r\nDate: [^\r]+\r\nContent-Length: 2\r\n\r\nok$/)
  })

  it('to HEAD carry the body if one is given', async () => {
    assert.match((await probe(`HEAD /end-to-head HTTP/1.1\r\n${HOST}\r\n`)).text, /\r\n\r\nbody$/)
    const bare = await probe(`HEAD /without-body HTTP/1.1\r\n${HOST}\r\n`)
    assert.match(bare.text, /Content-Length: 5\r\n\r\n$/)
  })

  it('without a body and without a length are possible', async () => {
    assert.ok(!(await probe(get('/304'))).text.includes('Content-Length'))
  })

  it('repeat Date when it is given, and let a value split the answer', async () => {
    const dated = await probe(get('/own-date'))
    assert.equal(dated.answers[0] && answerHeader(dated.answers[0], 'date').length, 2)
    const split = await probe(get('/split'))
    assert.deepEqual(split.answers[0] && answerHeader(split.answers[0], 'x-injected'), ['c'])
  })

  it('in chunks must not be ended with the closing flag, which writes into the body', async () => {
    assert.equal((await probe(get('/chunked'))).answers[0]?.body.toString(), 'abc')
    assert.ok((await openAndRead(get('/chunked-close'))).includes('abcConnection: close'))
  })

  it('may not be touched once they are complete', async () => {
    assert.ok((await probe(get('/late-use'))).saw.includes('throws'))
  })
})

/** Without cutting the bytes into answers, for answers that are none. */
async function openAndRead(text: string): Promise<string> {
  const connection = await openRaw({ port })
  connection.send(text)
  await connection.waitForClose(1_000)
  return connection.text
}

describe('process and threads', () => {
  const load = `const native = require(${JSON.stringify(binary.file)})`

  it('aborts when a handler throws, so that every callback of ours has to catch', () => {
    const script = `${load}
      const app = native.App()
      app.any('/*', () => { throw new Error('thrown') })
      app.listen('127.0.0.1', 0, 1, (socket) => {
        require('node:net')
          .connect(native.us_socket_local_port(socket), '127.0.0.1')
          .write('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
      })
      process.on('uncaughtException', () => undefined)`
    const child = spawnSync(process.execPath, ['-e', script], { timeout: 5_000 })
    assert.equal(child.signal, 'SIGABRT')
  })

  /** A thread that listens on a port and serves its own number, until it is told to close. */
  const listener = `${load}
    const { parentPort, workerData, threadId } = require('node:worker_threads')
    const app = native.App()
    app.any('/*', (response) => response.end(String(threadId)))
    app.listen('127.0.0.1', workerData.port, 0, (socket) => {
      parentPort.postMessage(socket ? native.us_socket_local_port(socket) : 0)
    })
    parentPort.once('message', () => app.close())`

  it('serves one port from several threads, which end when they have closed it', async () => {
    // A port that the system chooses is not shared, so it is chosen first.
    const shared = await reservePort()
    const workers = [1, 2].map(
      () => new Worker(listener, { eval: true, workerData: { port: shared } }),
    )
    const ports = workers.map(
      async (worker) => new Promise((resolve) => worker.once('message', resolve)),
    )
    assert.deepEqual(await Promise.all(ports), [shared, shared])
    const threads = new Set<string>()
    for (let count = 0; count < 200 && threads.size < 2; count += 1) {
      const reply = await exchangeRaw(shared, get('/'))
      threads.add(reply.answers[0]?.body.toString() ?? '')
    }
    assert.equal(threads.size, 2)
    await Promise.all(
      workers.map(async (worker) => {
        worker.postMessage('close')
        await new Promise((resolve) => worker.once('exit', resolve))
      }),
    )
  })

  it('takes the process along when a thread ends without having closed it', () => {
    const script = `
      const { Worker } = require('node:worker_threads')
      const worker = new Worker(${JSON.stringify(listener)}, { eval: true, workerData: { port: 0 } })
      worker.once('message', () => worker.terminate())`
    const child = spawnSync(process.execPath, ['-e', script], { timeout: 5_000 })
    assert.equal(child.signal, 'SIGABRT')
  })
})
