/**
 * The version of a stored record's format: `version`, an optional member of tenants, sessions and
 * API keys that others write.
 *
 * While instances of several versions run side by side, an older one reads what a newer one
 * writes. A later version adds members, which older ones ignore; only where ignoring them would be
 * wrong does it write a higher `version`, and older ones then do not read the record at all.
 */

/** What this program understands. */
const RECORD_VERSION = 1

/** @param version The member, or what stands for it when it is left out. */
export function isReadableVersion(version: unknown): boolean {
  return version === undefined || version === null || version === RECORD_VERSION
}
