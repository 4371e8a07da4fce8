/** Nothing that a client writes changes whose request it is. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { AddressRanges } from '../../src/http/address-ranges.ts'
import { addressKey } from '../../src/http/client-address.ts'
import { addressBits, bitsText } from '../../src/http/ip-address.ts'
import { clientOf } from '../support/client-of.ts'

const TRUSTED = new AddressRanges(['10.0.0.0/8', 'fd00::/8'])
const RUNS = { numRuns: 3_000 }

const proxy = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255)).map(([one, other]) => `10.0.${one}.${other}`),
  fc.nat(0xffff).map((group) => `fd00::${group.toString(16)}`),
)

/** Not one of the trusted. */
const client = fc.oneof(fc.ipV4(), fc.ipV6()).filter((address) => !TRUSTED.has(address))

/** What a client may put in front: mostly what might be taken for something. */
const piece = fc.oneof(
  proxy,
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom(
    ',',
    ', ',
    ' ',
    '"',
    '[',
    ']',
    ':',
    ':80',
    '%',
    'unknown',
    '_x',
    '::ffff:10.0.0.1',
  ),
  fc.string({
    unit: fc.constantFrom(...Array.from(' !"#$%&()*+,-./0159:;<=>?@AZ[]^_`az{|}~\t')),
    maxLength: 12,
  }),
)
const written = fc.array(
  fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
  {
    maxLength: 3,
  },
)

/** As the proxies append it: to the last field, or as fields of their own. */
function received(fields: readonly string[], entries: readonly string[], isAppended: boolean) {
  const values = [...fields]
  for (const entry of entries) {
    const last = isAppended ? values.pop() : undefined
    values.push(last === undefined || last === '' ? entry : `${last}, ${entry}`)
  }
  return values.flatMap((value) => ['x-forwarded-for', value])
}

describe('the client that a chain of trusted proxies names', () => {
  const chain = fc.record({
    fields: written,
    from: client,
    port: fc.constantFrom('', ':443', ':1'),
    /** The first one talks to the client, the last one to us. */
    proxies: fc.array(proxy, { minLength: 1, maxLength: 5 }),
    isAppended: fc.boolean(),
  })

  it('is never changed by what the client wrote', () => {
    fc.assert(
      fc.property(chain, ({ fields, from, port, proxies, isAppended }) => {
        const own = from.includes(':') && port !== '' ? `[${from}]${port}` : `${from}${port}`
        const entries = [own, ...proxies.slice(0, -1)]
        const peer = proxies.at(-1) ?? ''
        const named = clientOf(peer, received(fields, entries, isAppended), TRUSTED)
        assert.equal(addressBits(named), addressBits(from))
        assert.equal(named, clientOf(peer, received([], entries, isAppended), TRUSTED))
      }),
      RUNS,
    )
  })

  it('is the peer itself, whatever it wrote, where the peer is no proxy', () => {
    fc.assert(
      fc.property(client, written, (peer, fields) => {
        assert.equal(clientOf(peer, received(fields, [], false), TRUSTED), peer)
      }),
      RUNS,
    )
  })

  it('is always an address in its one spelling, whatever the fields are', () => {
    fc.assert(
      fc.property(proxy, written, (peer, fields) => {
        const named = clientOf(peer, received(fields, [], false), TRUSTED)
        const bits = addressBits(named)
        assert.ok(bits !== null, named)
        if (named !== peer) assert.equal(bitsText(bits), named)
        assert.equal(
          addressKey(addressKey(named)),
          addressKey(named).includes('/') ? addressKey(named) : named,
        )
      }),
      RUNS,
    )
  })
})
