/**
 * The supervisor's keys: one owner for each issuer, whose key sets go to every listener thread and
 * whose events go to the log.
 */
import { isDeepStrictEqual } from 'node:util'
import type { IssuerKeysConfiguration } from '../config/sections/issuers/issuer-keys.ts'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { IssuerHealth } from '../gateway/health.ts'
import { DiskCache } from '../keys/disk-cache.ts'
import { JWKS_RETRY, JwksClient } from '../keys/jwks-client.ts'
import type { JwksEvent, JwksStatus } from '../keys/jwks-event.ts'
import { discoverySource, fileSource, type JwksSource, uriSource } from '../keys/jwks-source.ts'
import type { KeyAccess } from '../keys/key-access.ts'
import { emptyKeySet, type KeySet } from '../keys/key-set.ts'
import type { JwksTimings } from '../keys/refresh-schedule.ts'
import { secretKeySet } from '../keys/secret-key-set.ts'
import type { UnknownKeyAnswer } from '../keys/unknown-key-answer.ts'
import type { IssuerReading } from '../observability/metrics/metrics-reading.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomFraction } from '../runtime/randomness.ts'
import type { KeyGenerationAllocator } from '../shared-memory/key-generations.ts'
import { keyCopyOf, keySourceOf } from '../threads/key-source.ts'
import { Resources } from '../threads/resources.ts'
import { IssuerAccess } from './issuer-access.ts'

export interface IssuerKeysParts {
  readonly generations: KeyGenerationAllocator
  readonly clock: Clock
  readonly onKeySet: (keySet: KeySet) => void
  /** The only sources of which keys are held from now on. */
  readonly onSources: (sourceIds: readonly string[]) => void
  readonly onEvent: (event: JwksEvent, alertOnStale: boolean) => void
}

/** For a source that is gone: the question belongs to another configuration. */
const NOTHING_KNOWN: UnknownKeyAnswer = {
  outcome: 'unknown',
  isFetched: false,
  isFailing: false,
  quietForMs: 0,
  keyQuietForMs: 0,
}

/** Keys of issuers that are gone serve requests that run, for so long at most. */
const RETIRE_MS = 10_000
/** How long a new configuration waits for the keys of its new issuers. */
const FIRST_KEYS_MS_MAX = 3_000

/** One issuer that has keys. */
interface Held {
  /** {@link keySourceOf} */
  readonly sourceId: string
  /** As configured now: times may change while the keys stay. */
  keys: IssuerKeysConfiguration
  /** {@link keyCopyOf}, as configured now. */
  copyOf: string
  /** `null`: it signs with a secret. */
  readonly client: JwksClient | null
  /** How its keys are fetched; `null` with a secret. */
  readonly access: IssuerAccess | null
  readonly secretSet: KeySet | null
  readonly isLate: boolean
}

/** The issuers of another configuration, ready to take the place of those at hand. */
export interface PreparedIssuers {
  /** From now on theirs are the keys. */
  commit(): void
  drop(): void
}

export class IssuerKeys {
  readonly #parts: IssuerKeysParts
  readonly #connections: number
  readonly #resources = new Resources()
  /** By name: the issuers of the configuration in use. */
  #held: ReadonlyMap<string, Held>
  /** By source: these, and those that requests may run with which began before. */
  readonly #known = new Map<string, Held>()
  readonly #retiring = new Map<Held, NodeJS.Timeout>()
  /** Ends connections that were replaced, once what runs by them has had its time. */
  readonly #replaced = new Map<NodeJS.Timeout, () => void>()

  constructor({ issuers, tuning }: GatewayConfiguration, parts: IssuerKeysParts) {
    this.#parts = parts
    this.#connections = tuning.identityProviderConnections
    this.#held = new Map(issuers.flatMap((issuer) => this.#create(issuer, false)))
    this.#learn(this.#held.values())
  }

  /** First fetches. Settles when each issuer has tried once; one that failed goes on trying. */
  async start(): Promise<void> {
    await Promise.all(this.#clients().map((client) => client.start()))
  }

  /**
   * Gets the keys of issuers that are new or have them elsewhere now; those of the others stay as
   * they are, whatever is said about how long they are good, when and by what way they are fetched.
   * Settles when each new one has tried once, or after {@link FIRST_KEYS_MS_MAX}: it goes on
   * trying, and its tokens get 503 until it succeeds.
   */
  async prepare({ issuers }: GatewayConfiguration): Promise<PreparedIssuers> {
    const created = new Map<string, Held>()
    const next = new Map<string, Held>()
    const kept: [Held, IssuerConfiguration][] = []
    for (const issuer of issuers) {
      const held = this.#known.get(keySourceOf(issuer))
      if (held !== undefined) {
        this.#spare(held)
        kept.push([held, issuer])
        next.set(issuer.name, held)
        continue
      }
      for (const [name, made] of this.#create(issuer, true)) {
        created.set(name, made)
        next.set(name, made)
      }
    }
    const starts = [...created.values()].flatMap(({ client }) => client?.start() ?? [])
    await withinDeadline<unknown>(Promise.all(starts), FIRST_KEYS_MS_MAX, null)
    return {
      commit: () => {
        this.#commit(next, created)
        for (const [held, issuer] of kept) this.#adopt(held, issuer)
      },
      drop: () => {
        for (const held of created.values()) this.#withdraw(held)
        const inUse = new Set(this.#held.values())
        for (const [held] of kept) if (!inUse.has(held)) this.#retire(held)
      },
    }
  }

  /** What a listener thread starts with. */
  keySets(): KeySet[] {
    return [...this.#known.values()].flatMap(keySetOf)
  }

  /** A source without keys has an empty set. */
  keySet(sourceId: string): KeySet {
    const held = this.#known.get(sourceId)
    const [keySet] = held === undefined ? [] : keySetOf(held)
    return keySet ?? emptyKeySet(sourceId)
  }

  resolveUnknownKey(sourceId: string, keyId: string | null): Promise<UnknownKeyAnswer> {
    const client = this.#known.get(sourceId)?.client ?? null
    return client === null ? Promise.resolve(NOTHING_KNOWN) : client.resolveUnknownKey(keyId)
  }

  /** Issuers with a shared secret have no status: nothing about them can change. */
  statuses(): JwksStatus[] {
    return this.#clients().map((client) => client.status())
  }

  /** The same for metrics. */
  readings(): IssuerReading[] {
    return this.statuses().map((status) => ({
      issuer: status.issuerName,
      state: status.state,
      keyAgeSeconds: status.ageSeconds,
      refreshFailures: status.refreshesFailed,
      keysWithoutPlace: status.withoutPlace.length,
    }))
  }

  health(): IssuerHealth[] {
    return [...this.#held].map(([issuer, { client, secretSet, isLate }]) => {
      const status = client?.status()
      return {
        issuer,
        state: status?.state ?? secretSet?.state ?? 'empty',
        hasHadKeys: status?.hasHadKeys ?? true,
        isLate,
      }
    })
  }

  async stop(): Promise<void> {
    for (const timer of this.#retiring.values()) clearTimeout(timer)
    for (const [timer, end] of this.#replaced) {
      clearTimeout(timer)
      end()
    }
    for (const { client } of this.#known.values()) client?.stop()
    await Promise.all([...this.#known.values()].map(async ({ access }) => access?.release()))
  }

  #clients(): JwksClient[] {
    return [...this.#held.values()].flatMap(({ client }) => client ?? [])
  }

  #commit(next: ReadonlyMap<string, Held>, created: ReadonlyMap<string, Held>): void {
    const kept = new Set(next.values())
    const gone = [...this.#held.values()].filter((held) => !kept.has(held))
    this.#held = next
    this.#learn(created.values())
    for (const held of created.values()) {
      for (const keySet of keySetOf(held)) this.#parts.onKeySet(keySet)
    }
    for (const held of gone) this.#retire(held)
  }

  /** Takes over how the keys of a known source are fetched and kept. */
  #adopt(held: Held, issuer: IssuerConfiguration): void {
    const { keys } = issuer
    if (held.client === null || held.access === null || keys.kind !== 'jwks') return
    const endFormer = held.access.use(issuer)
    if (endFormer !== null) this.#replace(endFormer)
    const copyOf = keyCopyOf(issuer)
    if (held.copyOf === copyOf && isDeepStrictEqual(held.keys, keys)) return
    held.keys = keys
    held.copyOf = copyOf
    held.client.adopt(timingsOf(keys), diskCacheOf(copyOf, keys))
  }

  #replace(end: () => void): void {
    const timer = setTimeout(() => {
      this.#replaced.delete(timer)
      end()
    }, RETIRE_MS)
    this.#replaced.set(timer, end)
  }

  #learn(held: Iterable<Held>): void {
    for (const one of held) this.#known.set(one.sourceId, one)
  }

  /** Requests that run have begun with these keys, and are verified with these and no others. */
  #retire(held: Held): void {
    const timer = setTimeout(() => {
      this.#retiring.delete(held)
      this.#known.delete(held.sourceId)
      this.#withdraw(held)
      this.#parts.onSources([...this.#known.keys()])
    }, RETIRE_MS)
    this.#retiring.set(held, timer)
  }

  /** A configuration has come back to it: what is known is as good as what would be fetched. */
  #spare(held: Held): void {
    clearTimeout(this.#retiring.get(held))
    this.#retiring.delete(held)
  }

  #withdraw({ client, access, secretSet }: Held): void {
    client?.withdraw()
    void access?.release()
    for (const { generationSlot } of secretSet?.keys ?? []) {
      this.#parts.generations.kill(generationSlot)
    }
  }

  /** @returns Nothing for an issuer without keys, otherwise its name and what it is. */
  #create(issuer: IssuerConfiguration, isLate: boolean): [string, Held][] {
    const { keys, name, algorithms } = issuer
    if (keys.kind === 'none') return []
    const sourceId = keySourceOf(issuer)
    const copyOf = keyCopyOf(issuer)
    if (keys.kind === 'secret') {
      const options = { sourceId, secret: keys.secret, algorithms }
      const secretSet = secretKeySet(options, this.#parts.generations)
      return [[name, { sourceId, keys, copyOf, client: null, access: null, secretSet, isLate }]]
    }
    const access = new IssuerAccess(issuer, this.#connections, this.#resources)
    const source = jwksSourceOf(issuer, keys, access, this.#parts.clock)
    const client: JwksClient = new JwksClient(
      {
        issuerName: name,
        sourceId,
        algorithms,
        ...timingsOf(keys),
        retry: JWKS_RETRY,
      },
      {
        source,
        diskCache: diskCacheOf(copyOf, keys),
        generations: this.#parts.generations,
        clock: this.#parts.clock,
        random: randomFraction,
        onKeySet: (keySet) => {
          // Before it is committed, no request can ask for it.
          if (this.#known.get(sourceId) === held) this.#parts.onKeySet(keySet)
        },
        onEvent: (event) => {
          // Under this name another one is told of.
          if (this.#retiring.has(held)) return
          this.#parts.onEvent(event, warnsOfStaleKeys(held.keys))
        },
      },
    )
    const held: Held = { sourceId, keys, copyOf, client, access, secretSet: null, isLate }
    return [[name, held]]
  }
}

/** Where the keys of an issuer are. */
export function jwksSourceOf(
  { issuer, placeholder, discoveryIssuer }: IssuerConfiguration,
  { location, allowInsecureHttp }: FetchedKeys,
  access: KeyAccess,
  clock: Clock,
): JwksSource {
  switch (location.kind) {
    case 'uri':
      return uriSource({ uri: location.uri, allowInsecureHttp }, access)
    case 'discovery': {
      // Metadata of a provider may name its issuers by their placeholder.
      const template = placeholder === null ? null : issuer
      return discoverySource(
        { issuer: discoveryIssuer, template, allowInsecureHttp },
        access,
        clock,
      )
    }
    case 'file':
      return fileSource(location.file)
  }
}

type FetchedKeys = IssuerKeysConfiguration & { readonly kind: 'jwks' }

function timingsOf(keys: FetchedKeys): JwksTimings {
  const { cacheTtlMs, refreshIntervalMs, unknownKidCooldownMs, staleMaxAgeMs, timeoutMs } = keys
  return { cacheTtlMs, refreshIntervalMs, unknownKidCooldownMs, staleMaxAgeMs, timeoutMs }
}

function diskCacheOf(copyOf: string, { diskCache }: FetchedKeys): DiskCache | null {
  return diskCache === null ? null : new DiskCache(diskCache, copyOf)
}

function warnsOfStaleKeys(keys: IssuerKeysConfiguration): boolean {
  return keys.kind === 'jwks' && keys.alertOnStale
}

function keySetOf({ client, secretSet }: Held): KeySet[] {
  if (client !== null) return [client.keySet()]
  return secretSet === null ? [] : [secretSet]
}
