/**
 * Asks everything that a configuration names, once: fetches the key set of each issuer and says
 * which of its keys are usable, and has Redis, upstreams and introspection endpoints answer.
 */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { JwksConfiguration } from '../config/sections/issuers/jwks.ts'
import type { RedisConfiguration } from '../config/sections/redis.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { FailedFetch } from '../keys/jwks-source.ts'
import { isIssuerOf, issuersOf } from '../protocol/issuer-template.ts'
import { type ParsedKey, SKIP_REASONS } from '../protocol/parse-jwk.ts'
import { type ParsedJwks, parseJwks } from '../protocol/parse-jwks.ts'
import { RedisClient } from '../redis/redis-client.ts'
import type { RedisFailure } from '../redis/redis-reply.ts'
import { systemClock } from '../runtime/clock.ts'
import { randomFraction } from '../runtime/randomness.ts'
import { jwksSourceOf } from '../supervisor/issuer-keys.ts'
import { KEY_FAILURES } from '../supervisor/key-failures.ts'
import { verificationKeysMax } from '../supervisor/verification-keys-max.ts'
import {
  checkIntrospection,
  checkIssuerCertificates,
  checkOwnCertificate,
  checkUpstreams,
  type Verdict,
} from './check-peers.ts'
import { claimHints } from './claim-hints.ts'
import { describeCall } from './describe-call.ts'
import { OutboundClients } from './outbound-clients.ts'
import type { Terminal } from './terminal.ts'

const REDIS_FAILURES: Readonly<Record<RedisFailure, string>> = {
  unavailable: 'no connection (address, password or TLS)',
  timeout: 'no answer in time (redis.commandTimeout)',
  read_only: 'it is read-only',
  out_of_memory: 'it is out of memory',
  wrong_type: 'it answers with an error',
  unknown_script: 'it answers with an error',
  too_large: 'it answers with an error',
  error: 'it answers with an error',
}

/** Sentinels and clusters are asked for the others before those are asked. */
const REDIS_ROUNDS = 4

/**
 * One line per issuer, key, certificate, endpoint and upstream target, one that says whether there
 * is room for all keys, and one about Redis. Hints about claims are no problems.
 *
 * @returns Whether all of them are as a gateway needs them: every issuer has a key for its tokens,
 *   every key has a place, every other system answers, and no certificate has ended.
 */
export async function checkOnline(
  configuration: GatewayConfiguration,
  terminal: Terminal,
): Promise<boolean> {
  const clients = new OutboundClients(configuration.tuning.identityProviderConnections)
  try {
    const keyVerdicts = await Promise.all(
      configuration.issuers.map(async (issuer) => checkKeys(issuer, configuration, clients)),
    )
    const verdicts: Verdict[] = [
      ...keyVerdicts,
      checkRoom(keyVerdicts, verificationKeysMax(configuration.issuers)),
      ...(await checkIssuerCertificates(configuration)),
      ...(await checkIntrospection(configuration, clients)),
      ...(configuration.redis === null ? [] : [await checkRedis(configuration.redis)]),
      ...(await checkUpstreams(configuration)),
      ...checkOwnCertificate(configuration),
    ]
    for (const { lines, isGood } of verdicts) {
      for (const line of lines) {
        if (isGood) terminal.print(line)
        else terminal.printError(line)
      }
    }
    return verdicts.every(({ isGood }) => isGood)
  } finally {
    await clients.close()
  }
}

interface KeysVerdict extends Verdict {
  readonly usableKeys: number
}

/** A key without a place is not used, and its tokens get 503. */
function checkRoom(verdicts: readonly KeysVerdict[], keysMax: number): Verdict {
  const usable = verdicts.reduce((sum, { usableKeys }) => sum + usableKeys, 0)
  return { isGood: usable <= keysMax, lines: [`keys: ${usable} usable, room for ${keysMax}`] }
}

/** One connection, one question. */
async function checkRedis(redis: RedisConfiguration): Promise<Verdict> {
  const connections = new RedisClient(
    { ...redis, connectionsMin: 1, connectionsMax: 1, idleMs: redis.connectTimeoutMs },
    { random: randomFraction, onState: () => {}, onOversizedRecord: () => {} },
  )
  await connections.whenReady(redis.connectTimeoutMs * REDIS_ROUNDS)
  const reply = await connections.ping()
  connections.close()
  if (reply.ok) return { isGood: true, lines: [`redis: ${redis.mode}, answers`] }
  const where = redis.nodes.map(({ host, port }) => `${host}:${port}`).join(', ')
  return {
    isGood: false,
    lines: [`redis: no answer from ${where}: ${REDIS_FAILURES[reply.reason]}`],
  }
}

async function checkKeys(
  issuer: IssuerConfiguration,
  configuration: GatewayConfiguration,
  clients: OutboundClients,
): Promise<KeysVerdict> {
  const { name, keys, algorithms } = issuer
  if (keys.kind === 'secret') {
    const lines = [`issuers.${name}: shared secret, nothing to fetch`]
    return { isGood: true, lines, usableKeys: 1 }
  }
  if (keys.kind === 'none') {
    const lines = [`issuers.${name}: no keys, its tokens are introspected`]
    return { isGood: true, lines, usableKeys: 0 }
  }
  const access = { http: clients.of(issuer.path), fields: keys.fields }
  const fetched = await jwksSourceOf(issuer, keys, access, systemClock).fetchDocument(
    keys.timeoutMs,
  )
  if (!fetched.ok)
    return noKeys(name, fetched.url, describeFetch(issuer.discoveryIssuer, keys, fetched))
  const parsed = parseJwks(fetched.document, algorithms)
  if (!parsed.ok) return noKeys(name, fetched.url, KEY_FAILURES[parsed.reason])
  const isGood = parsed.keys.some((key) => isForTokensOf(issuer, key))
  const hints = claimHints(issuer, configuration, fetched.claimsSupported)
  const lines = [...describeKeys(issuer, parsed), ...hints]
  // Each takes a place, whomever it is for.
  return { isGood, lines, usableKeys: parsed.keys.length }
}

/** Whether a key could verify a token of the issuer. With any value in its place, it could. */
function isForTokensOf(
  { issuer, placeholder }: IssuerConfiguration,
  { issuer: published }: ParsedKey,
): boolean {
  const issuers = issuersOf(issuer, placeholder)
  return published === null || issuers === null || issuers.some((it) => isIssuerOf(published, it))
}

function noKeys(name: string, url: string | null, why: string): KeysVerdict {
  const where = url === null ? '' : `${url}: `
  return { isGood: false, lines: [`issuers.${name}: no key set: ${where}${why}`], usableKeys: 0 }
}

function describeFetch(
  issuer: string,
  { location, fields }: JwksConfiguration,
  fetched: FailedFetch,
): string {
  const why = describeCall(fetched, KEY_FAILURES[fetched.reason])
  if (location.kind !== 'discovery' || fields.length === 0 || fetched.url === null) return why
  const isElsewhere = new URL(fetched.url).origin !== new URL(issuer).origin
  return isElsewhere ? `${why} (jwks.headers are not sent there: name it in jwks.uri)` : why
}

function describeKeys(
  issuer: IssuerConfiguration,
  { keys, skipped }: Extract<ParsedJwks, { ok: true }>,
): readonly string[] {
  const usable = keys.filter((key) => isForTokensOf(issuer, key))
  const foreign = keys.filter((key) => !usable.includes(key))
  const others = foreign.length === 0 ? '' : `${foreign.length} for other issuers, `
  return [
    `issuers.${issuer.name}: ${usable.length} usable, ${others}${skipped.length} skipped`,
    ...usable.map(({ keyId, algorithms }) => {
      return `  usable   ${describeKeyId(keyId)}: ${algorithms.join(', ')}`
    }),
    ...foreign.map(({ keyId }) => {
      return `  foreign  ${describeKeyId(keyId)}: it is published with another issuer`
    }),
    ...skipped.map(({ keyId, index, reason }) => {
      return `  skipped  ${describeKeyId(keyId)} at keys[${index}]: ${SKIP_REASONS[reason]}`
    }),
  ]
}

function describeKeyId(keyId: string | null): string {
  return keyId === null ? '(no kid)' : `kid ${JSON.stringify(keyId)}`
}
