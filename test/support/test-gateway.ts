/**
 * The gateway of a test, with the upstream, the issuers, the tenants and the Redis that the test
 * names. What was opened here ends after its file at the latest.
 */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { eventually } from './eventually.ts'
import { type Answer, type AskedFields, ask } from './gateway-answer.ts'
import { forkGateway, GatewayProcess, type StartedGateway } from './gateway-child.ts'
import { type GatewayPlan, gatewayText } from './gateway-text.ts'
import { metricSample } from './metric-sample.ts'
import { startEchoUpstream, type UpstreamServer } from './upstream-servers.ts'

export interface OpenedPlan extends GatewayPlan {
  /** On top of that of the test's own process. */
  readonly environment?: Readonly<Record<string, string>>
  /** Whether to wait until it is ready. Default: when it has a Redis. */
  readonly waitsUntilReady?: boolean
}

/** What the admin listener answers with JSON. */
export interface AdminAnswer {
  readonly status: number
  readonly contentType: string | null
  readonly cacheControl: string | null
  readonly body: Readonly<Record<string, unknown>>
}

const opened: TestGateway[] = []

after(async () => {
  for (const gateway of opened.reverse()) await gateway.stop()
})

/** Without an upstream in the plan, it brings an echo along ({@link TestGateway.upstream}). */
export async function openGateway(plan: OpenedPlan = {}): Promise<TestGateway> {
  const { environment = {}, waitsUntilReady = plan.redis !== undefined, ...rest } = plan
  const own = rest.upstream === undefined ? await startEchoUpstream() : null
  const text = gatewayText({ ...rest, ...(own !== null && { upstream: own.origin }) })
  const started = await forkGateway(text, environment).catch(async (error: unknown) => {
    await own?.close()
    throw error
  })
  const gateway = new TestGateway(started, own)
  // Before that, what may have been revoked is refused.
  if (waitsUntilReady) await eventually('ready', () => gateway.isReady())
  return gateway
}

/**
 * @param yaml A whole configuration, for tests that are about its text. Use port 0 for `server`
 *   and `admin`.
 */
export async function startGateway(
  yaml: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  return new TestGateway(await forkGateway(yaml, environment), null)
}

export class TestGateway extends GatewayProcess {
  readonly #upstream: UpstreamServer | null

  constructor(started: StartedGateway, upstream: UpstreamServer | null) {
    super(started)
    this.#upstream = upstream
    opened.push(this)
  }

  /** The echo upstream that it has brought along. */
  get upstream(): UpstreamServer {
    if (this.#upstream === null) throw new Error('its upstreams are the business of the test')
    return this.#upstream
  }

  /** Sends a request over a connection of its own, so that any listener thread may get it. */
  ask(path: string, fields: AskedFields = [], method = 'GET'): Promise<Answer> {
    return ask(this.port, path, fields, method)
  }

  /** Asks the admin listener for something that it answers with JSON. */
  async admin(path: string, request: RequestInit = {}): Promise<AdminAnswer> {
    const response = await fetch(`${this.adminOrigin}${path}`, request)
    return {
      status: response.status,
      contentType: response.headers.get('content-type'),
      cacheControl: response.headers.get('cache-control'),
      body: (await response.json()) as AdminAnswer['body'],
    }
  }

  /** Has it take over another plan, whose upstream is its own unless the plan says otherwise. */
  async reload(plan: GatewayPlan): Promise<AdminAnswer> {
    const upstream = plan.upstream ?? this.#upstream?.origin
    await this.write(gatewayText({ ...plan, ...(upstream !== undefined && { upstream }) }))
    return this.admin('/reload', { method: 'POST' })
  }

  /** The same of one that must be taken over. */
  async reloaded(plan: GatewayPlan): Promise<void> {
    const { status, body } = await this.reload(plan)
    assert.equal(status, 200, JSON.stringify(body))
  }

  /** {@link metricSample} */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number> {
    return metricSample(this.adminOrigin, name, labels)
  }

  override async stop(): Promise<number | null> {
    const exitCode = await super.stop()
    await this.#upstream?.close()
    return exitCode
  }

  override async kill(): Promise<void> {
    await super.kill()
    await this.#upstream?.close()
  }
}
