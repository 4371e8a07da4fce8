/**
 * A part of a fleet: many instances' whole way to the tenants in Redis, connections included, in
 * one process. Forked with the port of the server and the number of instances.
 */
import { Logger } from '../../src/observability/logger.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { SupervisorTenants } from '../../src/supervisor/supervisor-tenants.ts'
import { LEAST_CONFIGURATION, parseText } from './configuration-text.ts'

export interface FleetOrder {
  /** A tenant. */
  readonly name: string
}

export interface FleetReport {
  /** How many instances have read all tenants. */
  readonly complete: number
  /** How many of them know the tenant that was asked for as suspended. */
  readonly suspended: number
}

const [port = 0, count = 0] = process.argv.slice(2).map(Number)
const configuration = parseText(`${LEAST_CONFIGURATION}
redis: { nodes: ["127.0.0.1:${port}"], connectTimeout: 5s }
tenants: { resolve: [{ from: claim }], redis: true }
`)
const logger = new Logger(
  { level: 'error', thread: null, sink: { append: () => {} }, alerts: null },
  systemClock,
)
/** By tenant, the instances that have heard last that it is suspended. */
const suspended = new Map<string, Set<number>>()

const instances = Array.from({ length: count }, (_, index) => {
  return new SupervisorTenants(configuration, {
    clock: systemClock,
    logger,
    onChange({ tenants }) {
      for (const { id, status } of tenants) {
        if (status !== 'suspended') continue
        const heard = suspended.get(id) ?? new Set()
        suspended.set(id, heard.add(index))
      }
    },
  })
})
for (const instance of instances) void instance.start(5_000)

process.on('message', ({ name }: FleetOrder) => {
  const complete = instances.filter(({ hasBeenRead }) => hasBeenRead).length
  const report: FleetReport = { complete, suspended: suspended.get(name)?.size ?? 0 }
  process.send?.(report)
})
process.once('disconnect', () => {
  for (const instance of instances) instance.stop()
})
