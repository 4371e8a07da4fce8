/** Which keys sign and which are published at one instant, wherever the keys come from. */
import type { SigningKey } from './signing-key.ts'

export interface KeyPlan {
  readonly ok: true
  readonly signing: SigningKey
  /** All that may verify a token of now, `signing` among them; newest first. Never empty. */
  readonly published: readonly SigningKey[]
  /** When the next plan may differ from this one. */
  readonly reviewInMs: number
  /** What is wrong with the files of keys, though there is a plan; `null` for nothing. */
  readonly problem: KeyFileProblem | null
}

/**
 * - `unreadable`: the file or directory does not exist or may not be read.
 * - `unsafe_permissions`: somebody besides its owner may write to a file: no key of it is used.
 * - `unusable_key`: a file holds no unencrypted P-256 or Ed25519 private key in PEM.
 * - `too_many_files`: more than are taken. The newest are.
 * - `no_key`: no file holds a key of the configured algorithm.
 */
export type KeyFileProblem =
  | 'unreadable'
  | 'unsafe_permissions'
  | 'unusable_key'
  | 'too_many_files'
  | 'no_key'

export interface NoKeyPlan {
  readonly ok: false
  readonly problem: KeyFileProblem
}

/** Where keys come from. Each call looks at the present instant anew. Never rejects. */
export interface KeyPlanner {
  plan(): Promise<KeyPlan | NoKeyPlan>
}
