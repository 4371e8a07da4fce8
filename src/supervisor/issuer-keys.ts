/**
 * The supervisor's keys: one owner for each issuer, whose key sets go to every listener thread and
 * whose events go to the log.
 */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { IssuerHealth } from '../gateway/health.ts'
import { DiskCache } from '../keys/disk-cache.ts'
import { JWKS_RETRY, JwksClient } from '../keys/jwks-client.ts'
import type { JwksEvent, JwksStatus } from '../keys/jwks-event.ts'
import { discoverySource, fileSource, type JwksSource, uriSource } from '../keys/jwks-source.ts'
import { emptyKeySet, type KeySet } from '../keys/key-set.ts'
import { secretKeySet } from '../keys/secret-key-set.ts'
import type { UnknownKeyAnswer } from '../keys/unknown-key-answer.ts'
import type { IssuerReading } from '../observability/metrics/metrics-reading.ts'
import { OutboundHttp } from '../resilience/outbound-http.ts'
import type { Clock } from '../runtime/clock.ts'
import { randomFraction } from '../runtime/randomness.ts'
import type { KeyGenerationAllocator } from '../shared-memory/key-generations.ts'

export interface IssuerKeysParts {
  readonly generations: KeyGenerationAllocator
  readonly clock: Clock
  readonly onKeySet: (keySet: KeySet) => void
  readonly onEvent: (event: JwksEvent, alertOnStale: boolean) => void
}

/** For an issuer that is not configured: the question belongs to another configuration. */
const NOTHING_KNOWN: UnknownKeyAnswer = {
  outcome: 'unknown',
  isFetched: false,
  isFailing: false,
  quietForMs: 0,
  keyQuietForMs: 0,
}

export class IssuerKeys {
  readonly #clients = new Map<string, JwksClient>()
  readonly #secretSets: KeySet[] = []
  readonly #http: OutboundHttp

  constructor(configuration: GatewayConfiguration, parts: IssuerKeysParts) {
    const { issuers, tuning } = configuration
    this.#http = new OutboundHttp({ connectionsPerOrigin: tuning.identityProviderConnections })
    for (const issuer of issuers) this.#add(issuer, parts)
  }

  /** First fetches. Settles when each issuer has tried once; one that failed goes on trying. */
  async start(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.start()))
  }

  /** What a listener thread starts with. */
  keySets(): KeySet[] {
    return [...this.#secretSets, ...[...this.#clients.values()].map((client) => client.keySet())]
  }

  /** An issuer without keys has an empty set. */
  keySet(issuerName: string): KeySet {
    return (
      this.#clients.get(issuerName)?.keySet() ??
      this.#secretSets.find((keySet) => keySet.issuerName === issuerName) ??
      emptyKeySet(issuerName)
    )
  }

  resolveUnknownKey(issuerName: string, keyId: string | null): Promise<UnknownKeyAnswer> {
    const client = this.#clients.get(issuerName)
    return client === undefined ? Promise.resolve(NOTHING_KNOWN) : client.resolveUnknownKey(keyId)
  }

  /** Issuers with a shared secret have no status: nothing about them can change. */
  statuses(): JwksStatus[] {
    return [...this.#clients.values()].map((client) => client.status())
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
    const secrets = this.#secretSets.map(({ issuerName, state }) => ({
      issuer: issuerName,
      state,
      hasHadKeys: true,
    }))
    const fetched = this.statuses().map(({ issuerName, state, hasHadKeys }) => ({
      issuer: issuerName,
      state,
      hasHadKeys,
    }))
    return [...secrets, ...fetched]
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.values()) client.stop()
    await this.#http.close()
  }

  #add(issuer: IssuerConfiguration, parts: IssuerKeysParts): void {
    const { keys, name, algorithms } = issuer
    if (keys.kind === 'none') return
    if (keys.kind === 'secret') {
      const options = { issuerName: name, secret: keys.secret, algorithms }
      this.#secretSets.push(secretKeySet(options, parts.generations))
      return
    }
    const source = this.#source(issuer, parts.clock)
    const client = new JwksClient(
      {
        issuerName: name,
        algorithms,
        cacheTtlMs: keys.cacheTtlMs,
        refreshIntervalMs: keys.refreshIntervalMs,
        unknownKidCooldownMs: keys.unknownKidCooldownMs,
        staleMaxAgeMs: keys.staleMaxAgeMs,
        timeoutMs: keys.timeoutMs,
        retry: JWKS_RETRY,
      },
      {
        source,
        diskCache:
          keys.diskCache === null ? null : new DiskCache(keys.diskCache, name, source.identity),
        generations: parts.generations,
        clock: parts.clock,
        random: randomFraction,
        onKeySet: parts.onKeySet,
        onEvent: (event) => parts.onEvent(event, keys.alertOnStale),
      },
    )
    this.#clients.set(name, client)
  }

  #source(issuer: IssuerConfiguration, clock: Clock): JwksSource {
    const { keys } = issuer
    if (keys.kind !== 'jwks') throw new Error('an issuer with a secret has no key set to fetch')
    const { location, allowInsecureHttp } = keys
    switch (location.kind) {
      case 'uri':
        return uriSource({ uri: location.uri, allowInsecureHttp }, this.#http)
      case 'discovery':
        return discoverySource({ issuer: issuer.issuer, allowInsecureHttp }, this.#http, clock)
      case 'file':
        return fileSource(location.file)
    }
  }
}
