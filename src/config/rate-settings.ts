/** Rates, wherever they may be written. */
import { burstByDefault, OWN_BURST_MAX, type OwnRate } from '../resilience/own-rate.ts'
import { parseRate, RATE_PROBLEM } from '../resilience/rate.ts'
import { checkedText, section, unlessAbsent, wholeNumber } from './setting.ts'

/** `rate` and `burst`. */
export const rateSettings = {
  rate: checkedText(
    'How many requests in a second, minute, hour or day, evenly spread: `10/m` is one every six ' +
      'seconds.',
    parseRate,
    RATE_PROBLEM,
  ),
  burst: unlessAbsent(
    wholeNumber(
      'How many may come at once after a pause. Left out: as many as the rate has in its period.',
      { minimum: 1, maximum: OWN_BURST_MAX },
    ),
  ),
}

/** The rate of one tenant or API key; left out, it has none of its own. */
export function ownRate(what: string) {
  return unlessAbsent(
    section(what, rateSettings).transform(
      ({ rate, burst }): OwnRate => ({
        ...rate,
        burst: burst ?? burstByDefault(rate),
      }),
    ),
  )
}
