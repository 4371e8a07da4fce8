/** How full the caches are that all threads share, for the metrics. */
import type { CacheFill, CacheName } from '../observability/cache-reading.ts'
import type { SharedBuffers } from '../threads/listener-start.ts'
import { IDENTITY_SLOT_BYTES, REFUSAL_SLOT_BYTES } from '../token-cache/layout.ts'
import { readTableFill } from '../token-cache/table-fill.ts'

export function readCacheFills(
  { tokenCache, refusals }: SharedBuffers,
  nowSeconds: number,
): Readonly<Record<CacheName, CacheFill>> {
  return {
    token: readTableFill(tokenCache, IDENTITY_SLOT_BYTES, nowSeconds),
    refusal: readTableFill(refusals, REFUSAL_SLOT_BYTES, nowSeconds),
  }
}
