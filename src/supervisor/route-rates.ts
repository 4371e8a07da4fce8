/** How busy each route is, smoothed over some ten seconds, so that a table of them can be read. */
import type { LiveRoute, LiveRoutes } from '../admin/live-sample.ts'
import { OUTCOMES } from '../observability/metrics/metric-words.ts'
import { hundredths } from './rounding.ts'

/** What one second counts for. */
const WEIGHT = 0.2
/** Below this, a route that has gone quiet counts as quiet. */
const QUIET_PER_SECOND = 0.01
const ROUTES_TOLD_MAX = 50

interface RouteRate {
  readonly name: string
  perSecond: number
  total: number
  readonly outcomes: Float64Array
}

export class RouteRates {
  readonly #rates = new Map<string, RouteRate>()

  /** Routes to list before they have a request. Those that are listed stay: they had some. */
  list(names: readonly string[]): void {
    for (const name of names) this.#rateOf(name)
  }

  /** @param routes Finished requests within `seconds`, by route and in the order of `OUTCOMES`. */
  add(routes: ReadonlyMap<string, Float64Array>, seconds: number): void {
    for (const name of routes.keys()) this.#rateOf(name)
    for (const rate of this.#rates.values()) {
      const counts = routes.get(rate.name)
      if (counts === undefined && rate.perSecond === 0) continue
      this.#move(rate, counts, seconds)
    }
  }

  /** The busiest whose names contain `filter`, in any case; those with the same rate by name. */
  busiest(filter: string): LiveRoutes {
    const wanted = filter.toLowerCase()
    const matching = [...this.#rates.values()].filter(({ name }) =>
      name.toLowerCase().includes(wanted),
    )
    matching.sort(
      (one, other) =>
        other.perSecond - one.perSecond ||
        other.total - one.total ||
        (one.name < other.name ? -1 : 1),
    )
    const routes = matching.slice(0, ROUTES_TOLD_MAX).map(toldOf)
    return { count: this.#rates.size, matching: matching.length, routes }
  }

  #move(rate: RouteRate, counts: Float64Array | undefined, seconds: number): void {
    let perSecond = 0
    rate.outcomes.forEach((before, place) => {
      const count = counts?.[place] ?? 0
      rate.total += count
      const after = before + (count / seconds - before) * WEIGHT
      rate.outcomes[place] = after
      perSecond += after
    })
    rate.perSecond = perSecond
    if (perSecond >= QUIET_PER_SECOND) return
    rate.perSecond = 0
    rate.outcomes.fill(0)
  }

  #rateOf(name: string): RouteRate {
    const known = this.#rates.get(name)
    if (known !== undefined) return known
    const rate = { name, perSecond: 0, total: 0, outcomes: new Float64Array(OUTCOMES.length) }
    this.#rates.set(name, rate)
    return rate
  }
}

function toldOf({ name, perSecond, total, outcomes }: RouteRate): LiveRoute {
  return { name, perSecond: hundredths(perSecond), total, outcomes: [...outcomes].map(hundredths) }
}
