/** The kind of setting that names a claim. */
import { type ClaimPath, parseClaimPath } from '../protocol/claim-path.ts'
import { parsedText } from './setting.ts'

/** A name, a dotted path or a JSON pointer; becomes a {@link ClaimPath}. */
export function claimPath(what: string) {
  return parsedText<ClaimPath>(what, (value) => {
    const parsed = parseClaimPath(value)
    return parsed.ok ? { ok: true, value: parsed.path } : parsed
  })
}
