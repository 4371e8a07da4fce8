/**
 * Loading the configuration anew: one at a time, whole or not at all.
 *
 *     load and check ──► prepare everywhere ──► commit everywhere
 *           └─────────────────┴──────► refused: the one in use stays, as it was
 *
 * What asks for it while one is under way gets the one that follows, which begins after all of them
 * have asked: a hundred signals are two reloads at most.
 */
import { ConfigError, describeProblem } from '../config/config-error.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import { changedSections, restartSettings } from '../config/restart-settings.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Logger } from '../observability/logger.ts'
import type { ReloadOutcome } from '../observability/metrics/metric-words.ts'
import type { ReloadReading } from '../observability/metrics/metrics-reading.ts'
import { describeError } from '../observability/redact.ts'
import type { Clock } from '../runtime/clock.ts'

/** What has asked for it. */
export type ReloadCause = 'signal' | 'file' | 'request'

export interface ReloadResult {
  readonly outcome: ReloadOutcome
  /** Of the configuration in use afterwards. */
  readonly revision: number
  /** Names of the sections that differ from what was in use before. */
  readonly changed: readonly string[]
  /** Why it was refused: one line each, without any value of the file. */
  readonly problems: readonly string[]
}

export interface RevisionInUse {
  readonly id: number
  /** By the wall clock. */
  readonly sinceMs: number
  /** Why the last attempt to replace it was refused; empty: it was not. */
  readonly problems: readonly string[]
}

/** A configuration that every part can serve. */
export interface PreparedConfiguration {
  /** It is in use when this returns; settles when every thread has begun with it. Cannot fail. */
  commit(): Promise<void>
}

export interface ConfigurationReloadsParts {
  readonly load: () => LoadedConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Whether the process ends. */
  readonly isEnding: () => boolean
  /** @returns Problems, when a part cannot; nothing of what was prepared is left then. */
  readonly prepare: (
    configuration: GatewayConfiguration,
    revision: number,
  ) => Promise<PreparedConfiguration | readonly string[]>
  /** The files that the configuration in use was read from. */
  readonly onFiles: (files: LoadedConfig['files']) => void
  /** The files that one which was refused was read from, or names and could not read. */
  readonly onRefusedFiles: (files: LoadedConfig['files']) => void
}

const FIRST_REVISION = 1

export class ConfigurationReloads {
  readonly #parts: ConfigurationReloadsParts
  readonly #outcomes: Record<ReloadOutcome, number> = { reloaded: 0, unchanged: 0, refused: 0 }
  #current: GatewayConfiguration
  #revision = FIRST_REVISION
  /** Also of those that were not committed: a number means one configuration. */
  #revisionsTried = FIRST_REVISION
  #problems: readonly string[] = []
  #succeededAtSeconds: number
  #inUseSinceMs: number
  #running: Promise<ReloadResult> | null = null
  #next: Promise<ReloadResult> | null = null

  constructor(first: GatewayConfiguration, parts: ConfigurationReloadsParts) {
    this.#current = first
    this.#parts = parts
    this.#succeededAtSeconds = parts.clock.nowSeconds()
    this.#inUseSinceMs = parts.clock.wallMs()
  }

  /** What is in use. */
  get configuration(): GatewayConfiguration {
    return this.#current
  }

  /** The revision that requests begin under. */
  get inUse(): RevisionInUse {
    return { id: this.#revision, sinceMs: this.#inUseSinceMs, problems: this.#problems }
  }

  /** Settles with what became of it. Never rejects. */
  request(cause: ReloadCause): Promise<ReloadResult> {
    if (this.#running === null) return this.#begin(cause)
    this.#next ??= this.#running.then(() => {
      this.#next = null
      return this.#begin(cause)
    })
    return this.#next
  }

  /** For metrics and status. */
  reading(): ReloadReading {
    return {
      revision: this.#revision,
      outcomes: { ...this.#outcomes },
      isLastSuccessful: this.#problems.length === 0,
      succeededAtSeconds: this.#succeededAtSeconds,
      problems: this.#problems,
    }
  }

  #begin(cause: ReloadCause): Promise<ReloadResult> {
    const running = this.#run(cause).then((result) => {
      this.#running = null
      return result
    })
    this.#running = running
    return running
  }

  async #run(cause: ReloadCause): Promise<ReloadResult> {
    const { clock, logger } = this.#parts
    const startedAtMs = clock.monotonicMs()
    const result = await this.#reload().catch((error: unknown) => {
      logger.log({ event: 'unexpected_failure', where: 'reload', ...describeError(error) })
      return this.#refused(['an unexpected failure: the log says more'])
    })
    const { outcome, revision, changed, problems } = result
    this.#outcomes[outcome] += 1
    this.#problems = problems
    if (outcome !== 'refused') this.#succeededAtSeconds = clock.nowSeconds()
    if (outcome === 'reloaded') {
      const durationMs = Math.round(clock.monotonicMs() - startedAtMs)
      logger.log({ event: 'configuration_reloaded', cause, revision, changed, durationMs })
    } else if (outcome === 'unchanged') {
      logger.log({ event: 'configuration_unchanged', cause, revision })
    } else {
      const { length: count } = problems
      logger.log({ event: 'configuration_refused', cause, revision, count, problems })
    }
    return result
  }

  async #reload(): Promise<ReloadResult> {
    const loaded = this.#load()
    if (!('configuration' in loaded)) return this.#refused(loaded)
    const { configuration: next, files } = loaded
    const changed = changedSections(this.#current, next)
    if (changed.length === 0) {
      this.#parts.onFiles(files)
      return { outcome: 'unchanged', revision: this.#revision, changed, problems: [] }
    }
    const fixed = restartSettings(this.#current, next)
    const problems = [
      ...fixed.map((name) => `${name} needs a restart`),
      ...goneUpstreams(this.#current, next),
    ]
    if (problems.length > 0) return this.#refused(problems, files)
    this.#revisionsTried += 1
    const revision = this.#revisionsTried
    const prepared = await this.#parts.prepare(next, revision)
    if (!('commit' in prepared)) return this.#refused(prepared, files)
    // In one turn: whatever asks from now on is told of this one.
    this.#current = next
    this.#revision = revision
    this.#inUseSinceMs = this.#parts.clock.wallMs()
    await prepared.commit()
    this.#parts.onFiles(files)
    return { outcome: 'reloaded', revision, changed, problems: [] }
  }

  #load(): LoadedConfig | readonly string[] {
    if (this.#parts.isEnding()) return ['the process ends']
    try {
      return this.#parts.load()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#parts.onRefusedFiles(error.files)
      return error.problems.map(describeProblem)
    }
  }

  #refused(problems: readonly string[], files?: LoadedConfig['files']): ReloadResult {
    if (files !== undefined) this.#parts.onRefusedFiles(files)
    return { outcome: 'refused', revision: this.#revision, changed: [], problems }
  }
}

/** Requests of a tenant in Redis that names one would go to the upstream of their route. */
function goneUpstreams(
  current: GatewayConfiguration,
  next: GatewayConfiguration,
): readonly string[] {
  if (next.tenants?.redis !== true) return []
  const names = new Set(next.upstreams.map(({ name }) => name))
  return current.upstreams
    .filter(({ name }) => !names.has(name))
    .map(({ name }) => `upstreams.${name} needs a restart to go: a tenant in Redis may name it`)
}
