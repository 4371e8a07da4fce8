/**
 * What it costs to read what trusted proxies say of a request, by what stands in `X-Forwarded-For`,
 * and to look the address up in lists. Run: `node build/native-bench/client-address.js`.
 */
import { admitsAddress } from '../src/http/address-lists.ts'
import { AddressRanges } from '../src/http/address-ranges.ts'
import { addressKey } from '../src/http/client-address.ts'
import { readForwarding } from '../src/http/forwarding.ts'
import { type BenchCase, runBench } from './bench.ts'

const TIMES_PER_ROUND = 50_000
/** Of a request, by default. */
const FIELD_BYTES_MAX = 16_384

const trusted = new AddressRanges(['10.0.0.0/8', 'fd00::/8', '198.51.100.1'])
const OTHERS = ['host', 'a', 'user-agent', 'b', 'accept', '*/*', 'connection', 'keep-alive']
/** A thousand ranges that have nothing in common. */
const many = Array.from({ length: 1_000 }, (_, at) => `172.${at >> 4}.${(at & 15) << 4}.0/24`)

let sink: unknown = null

function locating(name: string, value: string, timesPerRound = TIMES_PER_ROUND): BenchCase {
  const received = [...OTHERS, 'x-forwarded-for', value]
  return {
    name,
    timesPerRound,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink = readForwarding('10.0.0.1', received, trusted)
      }
    },
  }
}

function repeated(name: string, once: () => unknown): BenchCase {
  return {
    name,
    timesPerRound: TIMES_PER_ROUND,
    run: (times) => {
      for (let index = 0; index < times; index += 1) sink = once()
    },
  }
}

const hostile = (piece: string) => piece.repeat(Math.floor(FIELD_BYTES_MAX / piece.length))

await runBench('CPU for finding the address of a client', [
  locating('one entry, IPv4', '203.0.113.7'),
  locating('one entry, IPv6', '2001:db8:1:2::7'),
  locating('two proxies, with a port', '203.0.113.7:443, 10.0.0.2'),
  locating('16 KiB in front of it', `${hostile('6.6.6.6, ')}203.0.113.7`),
  locating('16 KiB of trusted proxies', hostile(',10.0.0.2'), 2_000),
  locating('16 KiB of IPv6 proxies', hostile(',fd00:1:2:3:4:5:6:7'), 2_000),
  locating('16 KiB without a comma', hostile('1:'), 2_000),
  repeated('address in 1000 ranges', () =>
    admitsAddress({ allowFrom: [], denyFrom: many }, '203.0.113.7'),
  ),
  repeated('key of an IPv6 address', () => addressKey('2001:db8:1:2::7')),
])
void sink
