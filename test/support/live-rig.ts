/** A live view on counters of a test, as a listener thread has them, and its page. */
import { AdminApp } from '../../src/admin/admin-app.ts'
import { ListenerMetrics } from '../../src/observability/listener-metrics.ts'
import { TrafficLedger } from '../../src/observability/traffic-ledger.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { LiveView } from '../../src/supervisor/live-view.ts'
import { RecentEvents } from '../../src/supervisor/recent-events.ts'
import { adminSources, LIVE_SECOND } from './admin-sources.ts'
import { LISTENER_GAUGES } from './listener-counts.ts'

export class LiveRig {
  readonly metrics: ListenerMetrics
  readonly view: LiveView
  readonly events = new RecentEvents()
  readonly #app: AdminApp
  readonly #ledger = new TrafficLedger()
  origin = ''

  constructor(routeNames: readonly string[]) {
    this.metrics = new ListenerMetrics({ threadIndex: 0, routeNames, issuerNames: [] })
    this.view = new LiveView({
      version: '1.2.3',
      events: this.events,
      clock: systemClock,
      traffic: () => {
        this.#ledger.update(this.metrics.traffic(LISTENER_GAUGES))
        return Promise.resolve(this.#ledger.take())
      },
      state: () => LIVE_SECOND.state,
      onFailure: (error) => {
        throw error
      },
    })
    this.view.listRoutes(routeNames)
    const options = { host: '127.0.0.1', port: 0, token: null }
    this.#app = new AdminApp(options, { ...adminSources, live: this.view })
  }

  async start(): Promise<void> {
    this.origin = `http://127.0.0.1:${await this.#app.listen()}`
    this.view.begin()
  }

  /** A line of the log passes by. */
  log(line: object): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    this.events.watch({ take: (target) => bytes.copy(target) }).take(Buffer.alloc(bytes.length))
  }

  async stop(): Promise<void> {
    this.view.end()
    this.metrics.stop()
    await this.#app.close()
  }
}
