/** Numbers verification keys: one count for the process, because workers cache by the number. */

let lastId = 0

/** Never the same number twice. To be called by the supervisor alone, the only maker of keys. */
export function nextVerificationKeyId(): number {
  lastId += 1
  return lastId
}
