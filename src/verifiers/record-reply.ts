/** What a store says of a record that it does not give. */

const ABOUT_RECORD: ReadonlySet<string> = new Set(['too_large', 'wrong_type'])

/**
 * Whether a failure is about one record alone, which is too large or no text: that is no outage,
 * and would be so the next time as well.
 */
export function isAboutRecord(reason: string): boolean {
  return ABOUT_RECORD.has(reason)
}
