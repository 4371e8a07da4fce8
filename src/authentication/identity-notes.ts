/**
 * What a thread has worked out about an identity, kept beside the verdict so that it is worked out
 * once for all requests that carry the credential.
 */
export class IdentityNotes {
  /** Identity as lines of a request head; `null` until somebody has rendered them. */
  headerLines: string | null = null
}
