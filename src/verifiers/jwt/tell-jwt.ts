/** Tells a trace what a JWT is made of, beside what the issuers of the route send. */
import type { ClaimPolicy } from '../../protocol/claims.ts'
import type { CompactJws } from '../../protocol/compact-jws.ts'
import type { ProtectedHeader } from '../../protocol/protected-header.ts'
import type { JsonObject } from '../../protocol/strict-json.ts'
import { tellClaims, tellIssuer } from '../../protocol/tell-claims.ts'
import {
  type ToldHeaderRules,
  tellBadHeader,
  tellHeader,
  tellMalformed,
  tellSignatureLength,
} from '../../protocol/tell-token.ts'
import type { Trace } from '../../protocol/trace.ts'

/** Of one issuer. */
type ToldPolicy = ClaimPolicy & ToldHeaderRules

/** What keeps a token from being read; nothing where nothing does. */
export function tellForm(
  trace: Trace,
  token: string,
  jws: CompactJws | null,
  header: ProtectedHeader | null,
  claims: 'read' | 'unread' | 'unfitting',
): void {
  if (jws === null) tellMalformed(trace, token)
  else if (header === null) tellBadHeader(trace, jws.protectedHeader)
  else if (claims === 'unfitting') {
    tellSignatureLength(trace, header.algorithm, jws.signatureBytes)
  } else if (claims === 'unread') {
    trace.tell('claim', 'no', 'the payload is not one strict JSON object')
  }
}

/** @param expected What the issuer sends; where it is none of the route, all that it accepts. */
export function tellContents(
  trace: Trace,
  header: ProtectedHeader,
  claims: JsonObject,
  expected: ToldPolicy | readonly string[],
  nowSeconds: number,
): void {
  if (isList(expected)) {
    tellIssuer(trace, claims['iss'], expected, false)
    return
  }
  const policy = expected
  tellHeader(trace, header, policy)
  const rules = { isAnswer: false, needsAudience: !policy.isPartial }
  tellClaims(trace, claims, policy, rules, nowSeconds)
}

function isList(expected: ToldPolicy | readonly string[]): expected is readonly string[] {
  return Array.isArray(expected)
}
