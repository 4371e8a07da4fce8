/** `Retry-After` (RFC 9110 §10.2.3): a number of seconds, or an instant. */

const SECONDS = /^\d{1,10}$/
/** `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may be sent (§5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** @returns Seconds from now; `null` when it is neither, or says nothing but now. */
export function retryAfterSeconds(field: string, nowSeconds: number): number | null {
  const text = field.trim()
  if (SECONDS.test(text)) return Number(text) > 0 ? Number(text) : null
  if (!HTTP_DATE.test(text)) return null
  const seconds = Math.floor(Date.parse(text) / 1_000) - nowSeconds
  return seconds > 0 ? seconds : null
}
