/** Where requests of decisions come from that are made without a server. */
import type { RequestOrigin } from '../../src/decision/decision.ts'
import type { PeekedBody } from '../../src/http/exchange.ts'
import { FreshAnswers } from '../../src/rate-limit/fresh-answers.ts'
import { createLimitCellsBuffer, LimitCells } from '../../src/rate-limit/limit-cells.ts'
import { LimitedRequest } from '../../src/rate-limit/limited-request.ts'
import { Limiter, type Lockout } from '../../src/rate-limit/limiter.ts'
import type { LimitSettings } from '../../src/rate-limit/route-limits.ts'
import type { Clock } from '../../src/runtime/clock.ts'

const CELLS = 1_024
const TOTALS = 8

/** Counts in cells of its own, and in no Redis. */
export function createLimiter(
  clock: Clock,
  onLockout: (lockout: Lockout) => void = () => undefined,
  cellsMax = CELLS,
): Limiter {
  return new Limiter({
    cells: new LimitCells(createLimitCellsBuffer(cellsMax)),
    totals: new LimitCells(createLimitCellsBuffer(TOTALS)),
    fleet: null,
    fresh: new FreshAnswers({ freshMs: 1_000, entriesMax: 8, monotonicMs: () => 0 }),
    clock,
    counters: { fallbacks: 0, lockouts: 0 },
    onLockout,
  })
}

/** A limit that limits nothing but what the test adds. */
export function limitOf(part: Partial<LimitSettings>): LimitSettings {
  return {
    name: 'x',
    field: null,
    perAddress: null,
    perUsername: null,
    perTenant: null,
    perKey: null,
    global: null,
    validation: null,
    failuresPerAddress: null,
    failuresPerUsername: null,
    failedStatuses: [],
    ...part,
  }
}

/** One request of this address. Each has its own. @param limiter `null`: no route has limits. */
export function originAt(
  clientAddress: string,
  limiter: Limiter | null = null,
  body: string | null = null,
): RequestOrigin {
  let limited: LimitedRequest | null = null
  return {
    trace: null,
    clientAddress,
    publicOrigin: 'http://api.example.com',
    limitedBy(limits) {
      if (limiter === null) throw new Error('a limit was asked for')
      limited ??= new LimitedRequest(limits, limiter, clientAddress)
      return limited
    },
    peekBody: () => (body === null ? null : Promise.resolve(peeked(body))),
  }
}

function peeked(body: string): PeekedBody {
  return { bytes: Buffer.from(body), isWhole: true }
}
