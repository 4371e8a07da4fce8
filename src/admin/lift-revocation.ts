/**
 * Lifting a revocation:
 *
 *     DELETE /revocations/<id>                     the id that POST answered with
 *     DELETE /revocations      {"sub": "…", …}     by what it names, as in POST
 */
import { parseRevocationName, type RevocationEntry } from '../revocation/revocation-entry.ts'
import type { RevocationReceipt } from '../revocation/revocation-feed.ts'
import { isRevocationKey, type RevocationKey, revocationKey } from '../revocation/revocation-key.ts'
import { type AdminRequest, type Answer, json, problem } from './answer.ts'

/** What is needed of the supervisor. */
export interface LiftableRevocations {
  /** What lifts the revocation of this key when it is revoked instead; `null`: there is none. */
  liftOf(key: RevocationKey): RevocationEntry | null
  revoke(entry: RevocationEntry): RevocationReceipt
}

const NO_ID = problem(
  400,
  'Invalid request',
  'The id of a revocation is 32 hexadecimal digits, as POST answers it. Without one, the body ' +
    'names what was revoked.',
)
const NONE = problem(404, 'No such revocation', 'There is no revocation of this name in force.')
const TOO_MANY = problem(
  503,
  'Too many lifted revocations',
  'No more can be remembered until one of them has ended. This revocation is still in force.',
)

export async function liftRevocation(
  revocations: LiftableRevocations,
  request: AdminRequest,
): Promise<Answer> {
  const key = namedKey(request)
  if (key === null) return NO_ID
  if (typeof key !== 'string') return key
  const about = { kind: 'lifted', digest: key }
  const lift = revocations.liftOf(key)
  if (lift === null) return { ...NONE, about }
  const { outcome, isSent } = revocations.revoke(lift)
  if (outcome === 'full') return { ...TOO_MANY, about }
  return { ...json(200, { id: key, lifted: true, sentToOtherInstances: await isSent }), about }
}

/** @returns `null`: the request names none; an answer: what it names is not as it must be. */
function namedKey({ reference, body }: AdminRequest): RevocationKey | Answer | null {
  if (reference !== '') return isRevocationKey(reference) ? reference : null
  if (body === null) return null
  const named = parseRevocationName(body)
  if (named.ok) return revocationKey(named.value)
  return problem(400, 'Invalid request', `What is lifted is not named: ${named.message}.`)
}
