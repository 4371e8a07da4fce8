/**
 * A gateway under a steady load while keys rotate, the identity provider and Redis go away and come
 * back, and the configuration is loaded anew. Whatever these faults do not explain is counted.
 *
 * Provider and Redis are real. The gateway reaches them through relays that end all connections
 * and refuse others; they themselves go on, so that tokens are issued all the while.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { SwitchedProxy } from '../../test/support/switched-proxy.ts'
import { limitCpu } from '../cpu-quota.ts'
import { AUDIENCE } from '../credentials.ts'
import { startSessions } from '../sessions.ts'
import { startUpstream } from '../upstream-process.ts'
import { workingFolder } from '../working-folder.ts'
import { CredentialSupply } from './credential-supply.ts'
import { type MemorySample, MemorySamples } from './memory-samples.ts'
import {
  type AnswerCount,
  describeCounts,
  PHASES,
  type Phase,
  type PlannedStage,
  unexplained,
} from './phases.ts'
import { type PhaseTotals, SoakClientProcess } from './soak-client-process.ts'
import { type SoakGateway, startSoakGateway } from './soak-gateway.ts'
import type { SoakReport } from './soak-messages.ts'

export interface SoakOptions {
  /** `main.js` of the gateway. */
  readonly program: string
  readonly stages: readonly PlannedStage[]
  /** Requests a second; `null`: a share of what the gateway can serve, which is found first. */
  readonly rate: number | null
  /** Of one processor, for the gateway; `null`: as much as there is. */
  readonly cpuShare: number | null
  readonly warmUpSeconds: number
  /** Told at once, with the second of the soak. */
  readonly onUnexplained: (seconds: number, counts: readonly AnswerCount[]) => void
}

export interface SoakOutcome {
  readonly rate: number
  /** Whether it was found rather than given. */
  readonly peak: number | null
  /** Why the gateway had no quota although one was asked for; `null`: it had what was asked for. */
  readonly quotaRefused: string | null
  /** Without the warm-up, in the order of {@link PHASES}; only those that there were. */
  readonly phases: readonly (PhaseTotals & { readonly phase: Phase })[]
  /** One every few seconds, from the end of the warm-up on. */
  readonly memory: readonly MemorySample[]
  readonly cpuMicros: number
}

/** Of the peak. */
export const LOAD_SHARE = 0.7
const SAMPLE_SECONDS_MAX = 5
const SESSIONS = 1_000
const JWTS = 300
const JWTS_AFTER_ROTATION = 50
const OPAQUE = 100
const JWTS_PER_SECOND = 12
const OPAQUE_PER_SECOND = 2

/** @throws When something did not start or has ended; everything that was started is ended. */
export async function runSoak(options: SoakOptions): Promise<SoakOutcome> {
  const folder = workingFolder('soak')
  const stops: (() => void | Promise<void>)[] = [() => folder.remove()]
  try {
    const provider = await startIdentityProvider({
      audience: AUDIENCE,
      scopes: ['read', 'write'],
      algorithms: ['ES256'],
    })
    stops.push(() => provider.stop())
    const providerRelay = await SwitchedProxy.start(Number(new URL(provider.issuer).port))
    stops.push(() => providerRelay.stop())
    const sessions = await startSessions(folder.path, SESSIONS)
    stops.push(() => sessions.stop())
    const redisRelay = await SwitchedProxy.start(sessions.port)
    stops.push(() => redisRelay.stop())
    const upstream = await startUpstream()
    stops.push(() => upstream.stop())
    const gateway = await startSoakGateway({
      program: options.program,
      provider,
      providerPort: providerRelay.port,
      redisPort: redisRelay.port,
      upstreamPort: upstream.port,
      folder: folder.path,
    })
    stops.push(() => gateway.stop())
    const soak = new Soak(options, provider, providerRelay, redisRelay, gateway)
    stops.push(() => soak.stop())
    const sessionIds = readFileSync(sessions.idsFile, 'latin1').split('\n').filter(Boolean)
    return await soak.run(sessionIds)
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

class Soak {
  readonly #options: SoakOptions
  readonly #provider: IdentityProvider
  readonly #providerRelay: SwitchedProxy
  readonly #redisRelay: SwitchedProxy
  readonly #gateway: SoakGateway
  readonly #client: SoakClientProcess
  readonly #supply: CredentialSupply
  #beganMs = 0
  #quota: { remove(): void } | null = null

  constructor(
    options: SoakOptions,
    provider: IdentityProvider,
    providerRelay: SwitchedProxy,
    redisRelay: SwitchedProxy,
    gateway: SoakGateway,
  ) {
    this.#options = options
    this.#provider = provider
    this.#providerRelay = providerRelay
    this.#redisRelay = redisRelay
    this.#gateway = gateway
    this.#client = new SoakClientProcess(gateway.port, (report) => this.#look(report))
    this.#supply = new CredentialSupply({
      provider,
      jwtsPerSecond: JWTS_PER_SECOND,
      opaquePerSecond: OPAQUE_PER_SECOND,
      send: (kind, tokens) => this.#client.send(kind, tokens),
    })
  }

  async run(sessionIds: string[]): Promise<SoakOutcome> {
    const { cpuShare, stages } = this.#options
    this.#client.send('session', sessionIds)
    await this.#supply.issue('jwt', JWTS)
    await this.#supply.issue('opaque', OPAQUE)
    this.#supply.begin()
    const quotaRefused = cpuShare === null ? null : this.#limit(cpuShare)
    const peak = await this.#warmUp()
    const rate = this.#options.rate ?? peak * LOAD_SHARE
    this.#client.setRate(rate)
    await delay(this.#options.warmUpSeconds * 1_000)

    const memory = new MemorySamples(this.#gateway.processId)
    this.#beganMs = performance.now()
    for (const stage of stages) await this.#take(stage, memory)
    const cpuMicros = memory.cpuMicros()
    // First, for a client that has ended takes no more tokens.
    await this.#supply.stop()
    await this.#client.finish()
    const phases = PHASES.flatMap((phase) => {
      const totals = this.#client.totals.get(phase)
      return totals === undefined ? [] : [{ phase, ...totals }]
    })
    const isGiven = this.#options.rate !== null
    const { samples } = memory
    return { rate, peak: isGiven ? null : peak, quotaRefused, phases, memory: samples, cpuMicros }
  }

  /** Ends what it has started itself, whatever became of it. */
  async stop(): Promise<void> {
    this.#quota?.remove()
    await this.#supply.stop().catch(() => {})
    this.#client.kill()
  }

  /** @returns Why there is none; `null`: there is. */
  #limit(cpuShare: number): string | null {
    try {
      this.#quota = limitCpu(this.#gateway.processId, cpuShare)
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  /** @returns What it can serve in a second; where the rate is given, nothing is tried. */
  async #warmUp(): Promise<number> {
    if (this.#options.rate !== null) return 0
    const { warmUpSeconds } = this.#options
    this.#client.setRate(null)
    await delay(warmUpSeconds * 1_000)
    await this.#client.begin('warm-up')
    const beganMs = performance.now()
    const before = this.#client.good('warm-up')
    await delay(warmUpSeconds * 1_000)
    await this.#client.begin('warm-up')
    const good = this.#client.good('warm-up') - before
    if (good === 0) throw new Error('The gateway answered nothing: run is void.')
    return good / ((performance.now() - beganMs) / 1_000)
  }

  async #take({ phase, seconds }: PlannedStage, memory: MemorySamples): Promise<void> {
    // First, so that what the fault does is counted under it.
    await this.#client.begin(phase)
    const endMs = performance.now() + seconds * 1_000
    await this.#cause(phase)
    for (let leftMs = endMs - performance.now(); leftMs > 0; leftMs = endMs - performance.now()) {
      await delay(Math.min(leftMs, SAMPLE_SECONDS_MAX * 1_000))
      this.#supply.assertRunning()
      memory.take()
    }
  }

  async #cause(phase: Phase): Promise<void> {
    if (phase === 'provider away') await this.#providerRelay.stop()
    else if (phase === 'provider back') await this.#providerRelay.resume()
    else if (phase === 'Redis away') await this.#redisRelay.stop()
    else if (phase === 'Redis back') await this.#redisRelay.resume()
    else if (phase === 'reload') await this.#gateway.reload()
    else if (phase === 'keys rotated') {
      await this.#provider.rotateKeys({ keepOld: true })
      await this.#supply.issue('jwt', JWTS_AFTER_ROTATION)
    }
  }

  #look({ phase, answers }: SoakReport): void {
    if (phase === 'warm-up') return
    const found = unexplained(answers)
    if (found.length === 0) return
    this.#options.onUnexplained((performance.now() - this.#beganMs) / 1_000, found)
  }
}

/** @throws When an answer was neither good nor explained by what happened to the gateway. */
export function assertExplained({ phases }: Pick<SoakOutcome, 'phases'>): void {
  const found = unexplained(phases.flatMap(({ answers }) => [...answers.values()]))
  const count = found.reduce((sum, one) => sum + one.count, 0)
  if (count > 0) throw new Error(`${count} answers are not explained: ${describeCounts(found)}.`)
}
