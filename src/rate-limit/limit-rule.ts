/** What is allowed how often, and how many failures lock for how long. */

/** How often something may happen: GCRA (ITU-T I.371, virtual scheduling). */
export interface LimitRate {
  /**
   * Time between two requests at the rate, from 10 (100 000 a second; kept to within 0.32 %) to
   * 86 400 000 000 (one a day). Fractions are rounded to sixteenths.
   */
  readonly emissionMicros: number
  /** How many may come at once in all: a whole number of at least 1. */
  readonly burst: number
}

/** When failures lock a key. */
export interface FailureRule {
  /** Failures that lock it: 1 to 1023; what is more counts as 1023. */
  readonly threshold: number
  /** The count begins anew with a failure that comes longer than this after the last one. */
  readonly windowMicros: number
  readonly lockoutMicros: number
}
