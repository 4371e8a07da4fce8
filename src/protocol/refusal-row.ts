/** One reason to refuse: see refusal-reason.ts. */
import type { AuthErrorCode } from './auth-error.ts'

export interface RefusalReasonRow {
  /** What the client is told. */
  readonly code: AuthErrorCode
  /** One sentence for the operator: what was found, and where to look. */
  readonly meaning: string
}
