/** All measurements of the performance report, in the order in which they are taken. */
import { COMPARED_MEASUREMENTS } from './compared.ts'
import { connections } from './connections.ts'
import { flood } from './flood.ts'
import { latency } from './latency.ts'
import type { Measurement } from './measurement.ts'
import { memory } from './memory.ts'
import { overload } from './overload.ts'
import { proxies } from './proxies.ts'
import { soak } from './soak.ts'
import { threads } from './threads.ts'

export const MEASUREMENTS: readonly Measurement[] = [
  ...COMPARED_MEASUREMENTS,
  proxies,
  connections,
  latency,
  overload,
  memory,
  threads,
  flood,
  soak,
]
