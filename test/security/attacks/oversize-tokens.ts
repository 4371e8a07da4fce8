/** Tokens that are too long to be looked into (CWE-400). */
import { liveToken } from '../../support/live-token.ts'
import type { TokenAttack, TokenTarget } from './attack.ts'

export function oversizeTokens({
  issuer,
  rsa,
  tokenBytesMax,
}: TokenTarget): readonly TokenAttack[] {
  const good = liveToken(rsa, issuer)
  const filled = `${good}.${'A'.repeat(tokenBytesMax - good.length)}`
  return [
    ['one byte more than tokenBytes', '401 invalid_token', filled],
    [
      'a well-signed token beyond tokenBytes',
      '401 invalid_token',
      liveToken(rsa, issuer, { padding: 'x'.repeat(tokenBytesMax) }),
    ],
    ['12 KiB of one letter', '401 invalid_token', 'A'.repeat(12_288)],
  ]
}
