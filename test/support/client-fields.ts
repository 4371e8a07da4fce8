/** Header lists of clients that try to speak for the gateway, as arbitrary values of fast-check. */
import fc from 'fast-check'
import { IDENTITY_NAMES } from '../security/attacks/identity-spoofing.ts'
import type { Fields } from './gateway-answer.ts'

/** In every value that a client invents. */
export const LIE = 'evil-7f3a'

/** Fields that say something about the caller or the request, beside the identity. */
export const ORIGIN_NAMES = [
  ...['X-Client-Id', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'Forwarded'],
  ...['X-Real-IP', 'X-Original-URL', 'Traceparent', 'Tracestate'],
  ...['Remote-User', 'X-Remote-User', 'Front-End-Https', 'X-SSL-Client-Verify'],
]
/** Names that only look like one of them, and belong to the client. */
export const NEAR_MISSES = [
  'X-User-Idx',
  'X-User',
  'XUser-Id',
  'X-User-Id-',
  'X-Tenant',
  'Y-User-Id',
]

const ruled = [...IDENTITY_NAMES, ...ORIGIN_NAMES]

/** In any case, and with what some servers take for a hyphen. */
function spelled(names: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(fc.mixedCase(fc.constantFrom(...names)), fc.array(fc.constantFrom('-', '_', '.')))
    .map(([name, hyphens]) => {
      let place = 0
      return name.replaceAll('-', () => hyphens[place++] ?? '-')
    })
}

const blank = fc.constantFrom('', ' ', '\t')

/** A list of options for `Connection`, with what RFC 9110 §5.6.1 allows between them. */
const nominations = fc
  .array(
    fc.tuple(
      fc.oneof(spelled(ruled), fc.constantFrom('close', 'keep-alive', 'host', 'X-Plain', '')),
      blank,
    ),
    { maxLength: 6 },
  )
  .map((options) => options.map(([name, space]) => `${space}${name}${space}`).join(','))

const field: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(spelled(ruled), fc.constantFrom(LIE, `${LIE}, a`, `a;${LIE}`, '')),
  },
  { weight: 2, arbitrary: fc.tuple(fc.mixedCase(fc.constant('Connection')), nominations) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...NEAR_MISSES, 'X-Plain'), fc.constant('own')),
  },
)

/** Fields in any order and as often as it comes. */
export const clientFields: fc.Arbitrary<Fields> = fc.array(field, { maxLength: 20, size: 'max' })

/** How a lenient server reads the name. */
export function lenientName(name: string): string {
  return name.toLowerCase().replace(/[_.]/g, '-')
}
