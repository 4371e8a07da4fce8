/**
 * The hard shell of a whole gateway: what is malformed, or could be read in two ways, is answered
 * with its status and code, its connection is closed, and no upstream sees a byte of it. Whether
 * the bytes come at once, one by one, or in two pieces makes no difference. The same on both
 * engines, but for what their table names (support/engine-differences.ts).
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { isNamed, outcomeOn } from '../support/engine-differences.ts'
import { echoOf, statusAndCode } from '../support/gateway-answer.ts'
import { exchangeRaw, openRaw, type RawAnswer, type RawConnection } from '../support/raw-http.ts'
import { marked, RecordingUpstream } from '../support/recording-upstream.ts'
import {
  type Delivered,
  type DeliveryEnd,
  deliver,
  everyDelivery,
  someDeliveries,
} from '../support/split-delivery.ts'
import { type Engine, testEngine } from '../support/test-engine.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { SMUGGLED, type WireAttack } from './attacks/attack.ts'
import { MALFORMED_HEADS, OVERSIZE_REQUESTS, UNFINISHED_HEADS } from './attacks/malformed-head.ts'
import { ESCAPING_TARGETS, REWRITTEN_PATHS } from './attacks/path-escape.ts'
import {
  AMBIGUOUS_FRAMINGS,
  CUT_OFF_VALUES,
  GOOD_GET,
  GOOD_POST,
  IGNORED_UPGRADES,
  REQUESTS_BEHIND,
} from './attacks/request-smuggling.ts'

/** Longer ones are not cut at every place. */
const SHORT_BYTES_MAX = 420
/** The native server's own clock cuts what is not finished after 10 to 12 s. */
const CUT_MS_MAX = 20_000

const ENGINES: readonly Engine[] = testEngine === 'native' ? ['native', 'node'] : [testEngine]

for (const engine of ENGINES) describe(`server.engine: ${engine}`, () => wireSuite(engine))

/** Registers all tests, of a gateway on this engine. */
function wireSuite(engine: Engine): void {
  let upstream: RecordingUpstream
  let gateway: TestGateway
  /** What no upstream may see as a request, late or not. */
  const unseen: string[] = []
  /** Each by its name; opened first, because they take longest. */
  const unfinished = new Map<string, RawConnection>()

  before(async () => {
    upstream = await RecordingUpstream.start()
    gateway = await openGateway({
      upstream: upstream.origin,
      server: { engine },
      routes: { '/*': { authenticate: 'none' } },
      environment: { SALLYPORT_LISTENER_THREADS: '1' },
    })
    for (const [name, bytes] of UNFINISHED_HEADS) {
      if (engine === 'node' && isNamed(name)) continue
      const attempt = marked(bytes)
      unseen.push(attempt.mark)
      const connection = await openRaw({ port: gateway.port })
      connection.send(attempt.bytes)
      unfinished.set(name, connection)
    }
  })

  after(async () => {
    await gateway.stop()
    await upstream.close()
  })

  interface Attempt extends Delivered {
    readonly mark: string
    /** How the bytes were sent. */
    readonly way: string
  }

  async function* attempts(request: string, end: DeliveryEnd): AsyncGenerator<Attempt> {
    const { length } = request
    const places = [1, 16, Math.floor(length / 2), length - 2, length - 1]
    const deliveries =
      length <= SHORT_BYTES_MAX ? everyDelivery(request) : someDeliveries(request, places)
    const sent = deliveries.map(({ bytes, cuts }) => ({ ...marked(bytes), cuts }))
    let index = 0
    for await (const result of deliver(gateway.port, sent, end)) {
      const { mark = '', cuts = [] } = sent[index] ?? {}
      index += 1
      const way = cuts.length > 1 ? 'byte by byte' : `cut at ${cuts.join() || 'no place'}`
      yield { ...result, mark, way }
    }
  }

  /** Not an attack on this engine, which reads it in the one way that there is. */
  function serves(attack: string, bytes: string): void {
    it(`serves ${attack}`, async () => {
      for await (const { answers, way } of attempts(bytes, 'answered')) {
        const status = answers[0]?.status
        assert.ok(status === 200 || status === 204, `${status}, ${way}`)
      }
    })
  }

  function bounces(attacks: readonly WireAttack[]): void {
    for (const [name, native, bytes] of attacks) {
      const outcome = outcomeOn(engine, name, native)
      if (outcome === 'served') {
        serves(name, bytes)
        continue
      }
      it(`refuses ${name}`, async () => {
        for await (const { answers, closed, mark, way } of attempts(bytes, 'closed')) {
          unseen.push(mark)
          assert.equal(answers[0] && statusAndCode(answers[0]), outcome, way)
          for (const { status } of answers) assert.ok(status >= 400, `${status}, ${way}`)
          assert.ok(closed, `left open, ${way}`)
          assert.ok(!upstream.saw(mark), `seen by the upstream, ${way}`)
        }
      })
    }
  }

  describe('an honest request', () => {
    for (const [method, request] of [
      ['GET', GOOD_GET],
      ['POST', GOOD_POST],
    ] as const) {
      it(`with ${method} is served and seen, however its bytes come`, async () => {
        for await (const { answers, mark, way } of attempts(request, 'answered')) {
          assert.equal(answers[0]?.status, 200, way)
          assert.ok(upstream.saw(mark), way)
        }
      })
    }
  })

  describe('a framing that can be read in two ways (RFC 9112 §6.3)', () => {
    bounces(AMBIGUOUS_FRAMINGS)

    for (const [name, request] of CUT_OFF_VALUES) {
      if (engine === 'node') {
        bounces([[name, '400', request]])
        continue
      }
      it(`is read in one, and sent on in that one: ${name}`, async () => {
        const reply = await exchangeRaw(gateway.port, request)
        const { body, rawHeaders } = echoOf(reply.answers[0] as RawAnswer)
        assert.equal(body, 'ok')
        const framing = rawHeaders.filter((text) => /^(2|chunked)$/.test(text))
        assert.equal(framing.length, 1)
        assert.doesNotMatch(rawHeaders.join(), /[^\x20-\x7e]/)
      })
    }
  })

  describe('a request behind another one (RFC 9112 §11.2)', () => {
    for (const [name, end, bytes] of REQUESTS_BEHIND) {
      // It is behind nothing then but an ordinary request.
      if (outcomeOn(engine, name, '400') === 'served') continue
      it(`is not served behind ${name}`, async () => {
        const until = end === 'closed' ? end : 'read'
        for await (const { answers, closed, mark, way } of attempts(bytes, until)) {
          unseen.push(mark)
          const served = answers.filter(({ status }) => status < 400)
          assert.ok(served.length <= 1, way)
          assert.ok(closed || end === 'kept', `left open, ${way}`)
          assert.ok(!upstream.sawRequest(mark), `seen by the upstream, ${way}`)
        }
      })
    }
  })

  describe('a request that comes together with an upgrade which is ignored (RFC 9110 §7.8)', () => {
    for (const [name, head] of IGNORED_UPGRADES) {
      it(`is not served: one ${name}`, async () => {
        const places = [1, 16, head.length - 1]
        const sent = someDeliveries(head + SMUGGLED, places).map(({ bytes, cuts }) => {
          return { ...marked(bytes), cuts }
        })
        let index = 0
        for await (const { closed } of deliver(gateway.port, sent, 'closed')) {
          const { mark = '', cuts = [] } = sent[index] ?? {}
          index += 1
          unseen.push(mark)
          assert.ok(closed, `left open, cut at ${cuts.join()}`)
          assert.ok(!upstream.sawRequest(mark), `seen by the upstream, cut at ${cuts.join()}`)
        }
      })
    }
  })

  describe('a head that is not well-formed (RFC 9110 §5, RFC 9112 §3)', () => {
    bounces(MALFORMED_HEADS)

    for (const [name, bytes] of UNFINISHED_HEADS) {
      const outcome = engine === 'node' && isNamed(name) && outcomeOn(engine, name, '400')
      if (outcome === 'served') serves(name, bytes)
      else if (outcome) bounces([[name, '400 invalid_request', bytes]])
      if (outcome) continue
      it(`is waited for, and cut without an answer: ${name}`, async () => {
        const connection = unfinished.get(name)
        await connection?.waitForClose(CUT_MS_MAX)
        assert.equal(connection?.text, '')
      })
    }
  })

  describe('a request over the limits', () => bounces(OVERSIZE_REQUESTS))

  describe('a target that leads elsewhere (RFC 3986 §5.2.4)', () => {
    bounces(ESCAPING_TARGETS)

    for (const [path, canonical] of Object.entries(REWRITTEN_PATHS)) {
      it(`is not one that everyone reads alike: ${path} is sent as ${canonical}`, async () => {
        const reply = await exchangeRaw(gateway.port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
        assert.equal(echoOf(reply.answers[0] as RawAnswer).url, canonical)
      })
    }
  })

  describe('an upstream', () => {
    it('has seen none of them afterwards either', async () => {
      const { answers } = await exchangeRaw(gateway.port, GOOD_GET)
      assert.equal(answers[0]?.status, 200)
      assert.ok(unseen.length > 1_000, `only ${unseen.length} attempts`)
      assert.deepEqual(
        unseen.filter((mark) => upstream.sawRequest(mark)),
        [],
      )
    })
  })
}
