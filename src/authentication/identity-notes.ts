/**
 * What a thread has worked out about an identity, kept beside the verdict so that it is worked out
 * once for all requests that carry the credential.
 */
import type { RevocationKeys } from '../revocation/revocation-key.ts'

export class IdentityNotes {
  /** Identity as lines of a request head; `null` until somebody has rendered them. */
  headerLines: string | null = null
  /** What it can be revoked by, and since when it is known not to be; `null` until asked. */
  revocation: RevocationKeys | null = null
}
