/** What a watcher of tenants asks of the store that they are in. */

/** As a name in the log of changes: whatever the store has now is meant to be all there is. */
export const EVERYTHING = '*'
/** The cursor before the first entry of any log. */
export const LOG_START = '0-0'
/** So many are read by one command, which then takes tens of microseconds of a server. */
export const RECORDS_AT_ONCE = 250

/** What the watcher asks of the store. `null`: it could not be asked. */
export interface TenantStore {
  /** @param cursor Up to where changes are known; `null`: nothing is known yet. */
  look(cursor: string | null): Promise<TenantStoreLook | null>
  /** By name, in their order. */
  records(names: readonly string[]): Promise<TenantRecords | null>
  /** From `0` on. `late`: no answer in time, but the same cursor can be used once more. */
  scan(cursor: string): Promise<TenantPiece | 'late' | null>
  /** Settles when there is a change after the cursor, or after a while: whether there is one. */
  waitForChange(cursor: string): Promise<boolean | null>
}

export interface TenantStoreLook {
  readonly version: string | null
  /** How many records there are. */
  readonly length: number
  /** Whether the log of changes is the one that the cursor is of, and complete since then. */
  readonly isSameLog: boolean
  /** Of tenants that changed; {@link EVERYTHING} among them. */
  readonly names: readonly string[]
  readonly cursor: string
}

export interface TenantRecords {
  readonly values: readonly (string | null)[]
  readonly length: number
}

export interface TenantPiece {
  /** `0`: that was the last one. */
  readonly cursor: string
  readonly records: readonly (readonly [string, string])[]
}
