import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { InterimAnswers } from '../../src/proxy/interim-answers.ts'

const HEAD_BYTES_MAX = 1_024
const FINAL = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

interface Outcome {
  readonly passed: string
  readonly dropped: number
  readonly broken: string | null
}

/** What goes on when the bytes come in these pieces. */
function taken(pieces: readonly string[]): Outcome {
  let dropped = 0
  let broken: string | null = null
  const answers = new InterimAnswers(HEAD_BYTES_MAX, {
    onInterim: () => {
      dropped += 1
    },
    onBroken: (error) => {
      broken = error.message
    },
  })
  answers.begin()
  const passed = pieces.map((piece) => {
    const bytes = Buffer.from(piece, 'latin1')
    return (answers.isOver ? bytes : answers.take(bytes))?.toString('latin1') ?? ''
  })
  return { passed: passed.join(''), dropped, broken }
}

describe('Interim answers (RFC 9110 §15.2)', () => {
  const DROPPED = {
    'the 100 of IIS to every POST': 'HTTP/1.1 100 Continue\r\n\r\n',
    'the 100 of servers that leave out the reason': 'HTTP/1.1 100\r\n\r\n',
    'the 102 of a WebDAV server with a field': 'HTTP/1.1 102 Processing\r\ndate: x\r\n\r\n',
    'the 103 of a page with hints': 'HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n',
    'a status of 1xx that no standard has': 'HTTP/1.1 199 Whatever\r\n\r\n',
  }
  for (const [what, interim] of Object.entries(DROPPED)) {
    it(`drops ${what}, however it is cut into pieces`, () => {
      const bytes = `${interim}${FINAL}`
      for (let at = 0; at <= bytes.length; at += 1) {
        const outcome = taken([bytes.slice(0, at), bytes.slice(at)])
        assert.deepEqual(outcome, { passed: FINAL, dropped: 1, broken: null }, String(at))
      }
      assert.deepEqual(taken(bytes.split('')), { passed: FINAL, dropped: 1, broken: null })
    })
  }

  it('drops several in a row, of different kinds', () => {
    const bytes = `${Object.values(DROPPED).join('')}${FINAL}`
    assert.deepEqual(taken([bytes]), { passed: FINAL, dropped: 5, broken: null })
  })

  it('leaves all else as it came, in any pieces', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<string>(
          FINAL,
          'HTTP/1.1 101 Switching Protocols\r\n\r\nbytes',
          'HTTP/1.0 100 Continue\r\n\r\n',
          'HTTP/1.1 1x0 Continue\r\n\r\n',
          'SSH-2.0-OpenSSH_9.2\r\n',
          'HTTP/1.1 1',
        ),
        fc.array(fc.integer({ min: 1, max: 12 })),
        (bytes, lengths) => {
          const pieces: string[] = []
          let rest = bytes
          for (const length of lengths) {
            pieces.push(rest.slice(0, length))
            rest = rest.slice(length)
          }
          const { passed, broken } = taken([...pieces, rest])
          assert.ok(bytes === passed || bytes.length < 12)
          assert.equal(broken, null)
        },
      ),
    )
  })

  it('does not look at what follows the beginning of a final answer', () => {
    const body = `HTTP/1.1 200 OK\r\ncontent-length: 60\r\n\r\n${DROPPED['the 100 of IIS to every POST']}`
    assert.equal(taken([body.slice(0, 39), body.slice(39)]).passed, body)
  })
})

describe('Interim answers that are hostile', () => {
  it('ends the connection at one that is sent for ever', () => {
    const forEver = 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000)
    assert.deepEqual(taken([forEver]), {
      passed: '',
      dropped: 16,
      broken: 'too many interim answers',
    })
  })

  it('ends the connection at a head that does not end', () => {
    const large = `HTTP/1.1 103 Early Hints\r\nlink: ${'a'.repeat(HEAD_BYTES_MAX)}`
    assert.equal(taken(large.split('')).broken, 'an interim answer that is too large')
  })

  it('counts the bytes of all of them together', () => {
    const hint = `HTTP/1.1 103 Early Hints\r\nlink: ${'a'.repeat(300)}\r\n\r\n`
    assert.equal(taken([hint.repeat(3), 'HTTP/1.1 103 x']).broken, null)
    assert.notEqual(taken([hint.repeat(3), hint.slice(0, -2)]).broken, null)
  })

  for (const end of ['\n\n', '\n', '\r\r', '\r\n\n', '\r\n\rx']) {
    it(`ends the connection at a head that ends in ${JSON.stringify(end)}`, () => {
      // A reader that goes on to the next CR LF CR LF would take the body for a head.
      const body = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'
      const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`
      const outcome = taken([`HTTP/1.1 100 Continue${end}${answer}`])
      assert.equal(outcome.passed, '')
      assert.equal(outcome.broken, 'a malformed interim answer')
    })
  }

  it('gives out nothing more once the connection is to end', () => {
    assert.equal(taken(['HTTP/1.1 100 Continue\n\n', FINAL, FINAL]).passed, '')
  })
})
