/** Which pages of other origins may read the answers of a route, those of the gateway included. */
import { CorsPolicy, type CorsRules } from '../http/cors-policy.ts'

/** Of answers of the gateway: browsers hide them from pages unless they are named. */
const OWN_ANSWER_FIELDS = [
  ...['WWW-Authenticate', 'Retry-After', 'RateLimit', 'RateLimit-Policy', 'X-Request-Id'],
]

/**
 * What the gateway says in answers of its own can be read wherever those can.
 *
 * @param codeHeader Field that holds the code of a refusal; `null`: none.
 */
export function composeCors(rules: CorsRules, codeHeader: string | null): CorsPolicy {
  const own = codeHeader === null ? OWN_ANSWER_FIELDS : [...OWN_ANSWER_FIELDS, codeHeader]
  return new CorsPolicy({ ...rules, exposedHeaders: [...own, ...rules.exposedHeaders] })
}
