/** What all instances share their revocations by, whatever it is made of. */
import type { RecordToSend } from './known-revocations.ts'

/** The shared log. No function rejects in the ordinary course; a rejection is a failure. */
export interface RevocationLog {
  /**
   * @param isMending Whether the log held all of them once, and may hold them still: what it does
   *   hold need not be told again.
   * @returns Whether the log holds all of them now.
   */
  append(records: readonly RecordToSend[], isMending: boolean): Promise<boolean>
  /**
   * What came after the cursor, in an order in which it may be read on, each record at least once.
   * Without a cursor, or with one of another log: nothing, and where this log ends now.
   *
   * @returns `null` when the log cannot be reached.
   */
  readSince(cursor: string | null): Promise<RevocationLogPage | null>
  /**
   * A page of all that is in force, from position 0 on. What comes while it is read may be missing.
   *
   * @returns `null` when the log cannot be reached.
   */
  readSet(position: number): Promise<RevocationSetPage | null>
  /** Tells other instances, or no longer, that we send what the log may have lost. */
  setMending(isMending: boolean): Promise<void>
}

export interface RevocationLogPage {
  readonly records: readonly string[]
  /** Where to read on. */
  readonly cursor: string
  /** Whether it is not the log of the cursor that was given. */
  readonly isAnother: boolean
  /** Whether nothing more had come. */
  readonly isEnd: boolean
  /** Whether no other instance is known, or likely, to know more than the log holds. */
  readonly isWhole: boolean
  /** Whether the log can be written. */
  readonly canAppend: boolean
}

export interface RevocationSetPage {
  readonly records: readonly string[]
  /** Where to read on; `null`: that was the end. */
  readonly next: number | null
}
