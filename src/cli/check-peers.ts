/**
 * The systems that a gateway would talk to, asked once: upstreams, issuers and introspection
 * endpoints; and the certificate of its own listener.
 */
import { readFileSync } from 'node:fs'
import { certificateIn } from '../config/pem.ts'
import type { IntrospectionConfiguration } from '../config/sections/issuers/introspection.ts'
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { createProofMaker } from '../protocol/client-authentication.ts'
import { parseJsonText } from '../protocol/strict-json.ts'
import { nameOfHost } from '../proxy/request-fields.ts'
import type { OutboundFailure } from '../resilience/outbound-failure.ts'
import type { OutboundHttp, OutboundResult } from '../resilience/outbound-http.ts'
import { DIRECT_PATH } from '../resilience/outbound-path.ts'
import { systemClock } from '../runtime/clock.ts'
import { randomHex } from '../runtime/randomness.ts'
import {
  introspectionRequest,
  isJsonType,
} from '../verifiers/introspection/introspection-request.ts'
import { describeCall } from './describe-call.ts'
import type { OutboundClients } from './outbound-clients.ts'
import { describeCertificateEnd, type ProbedWay, probeConnection } from './probe-connection.ts'

/** What one question has brought. */
export interface Verdict {
  readonly isGood: boolean
  readonly lines: readonly string[]
}

/** So many connections are opened at a time: files may name thousands of targets. */
const PROBES_AT_ONCE = 32
const ISSUER_TIMEOUT_MS = 5_000
const TOKEN_BYTES = 32
const PROOF_ID_BYTES = 16
const STATUS_OK = 200
/** What is wrong with the settings of this gateway, by the status of the answer. */
const OUR_FAULTS: Readonly<Record<number, string>> = {
  400: 'refuses the question with 400 (clientId, clientAuthentication)',
  401: 'refuses this gateway with 401 (clientId, clientSecret, clientAuthentication)',
  403: 'refuses this gateway with 403: the client may not introspect tokens, or a firewall refuses',
}
const NO_ANSWERS: Partial<Readonly<Record<OutboundFailure, string>>> = {
  timeout: 'none in time (introspection.timeout)',
  connection_lost: 'the connection was lost',
  protocol: 'what came is not valid HTTP, or not in the encoding that it names',
  too_large: 'more bytes than an answer has',
  redirect: 'a redirect is never followed',
  bad_url: 'the URL cannot be used',
}

/**
 * One line for each target of each upstream: whether it takes a connection, and with https until
 * when its certificate is valid. No request is sent.
 */
export function checkUpstreams({ upstreams }: GatewayConfiguration): Promise<Verdict[]> {
  const targets = upstreams.flatMap(({ name, targets: origins, ...upstream }) =>
    origins.map((origin) => ({ where: `upstreams.${name}: ${origin}`, origin, ...upstream })),
  )
  return inTurn(targets, ({ where, origin, connectTimeoutMs, tls, host }) =>
    checkConnection(where, origin, connectTimeoutMs, {
      path: { ...DIRECT_PATH, ...tls },
      serverName: nameOfHost(host),
    }),
  )
}

/**
 * One line for each https origin that an issuer's settings name. The one that only its discovery
 * document names is not looked at.
 */
export function checkIssuerCertificates({ issuers }: GatewayConfiguration): Promise<Verdict[]> {
  const named = issuers.flatMap((issuer) =>
    [...new Set(urlsOf(issuer).map((url) => new URL(url).origin))]
      .filter((origin) => origin.startsWith('https:'))
      .map((origin) => ({
        where: `issuers.${issuer.name}: ${origin}`,
        origin,
        path: issuer.path,
      })),
  )
  return inTurn(named, ({ where, origin, path }) =>
    checkConnection(where, origin, ISSUER_TIMEOUT_MS, { path, serverName: null }),
  )
}

/** Until when the certificate of the listener is valid: the first one in its file. */
export function checkOwnCertificate({ server }: GatewayConfiguration): readonly Verdict[] {
  if (server.tls === null) return []
  const certificate = certificateIn(readFileSync(server.tls.certFile))
  const endsMs = Date.parse(certificate?.validTo ?? '')
  const lines = [`server.tls: ${describeCertificateEnd(endsMs)}`]
  return [{ isGood: endsMs > systemClock.wallMs(), lines }]
}

/**
 * Asks each introspection endpoint about a random token, as the gateway does during an outage. An
 * endpoint that says anything but `"active": false` would leave tokens undecided: 503.
 */
export function checkIntrospection(
  { issuers }: GatewayConfiguration,
  clients: OutboundClients,
): Promise<Verdict[]> {
  const asked = issuers.flatMap(({ name, introspection, path }) =>
    introspection === null ? [] : [{ name, introspection, path }],
  )
  return inTurn(asked, async ({ name, introspection, path }) => {
    const problem = introspectionProblem(await askAboutRandom(introspection, clients.of(path)))
    const where = `issuers.${name}.introspection: ${introspection.endpoint}`
    const says = problem ?? 'answers, and knows this gateway'
    return { isGood: problem === null, lines: [`${where}: ${says}`] }
  })
}

async function checkConnection(
  where: string,
  origin: string,
  timeoutMs: number,
  way: ProbedWay,
): Promise<Verdict> {
  const probe = await probeConnection(origin, timeoutMs, way)
  if (!probe.ok) return { isGood: false, lines: [`${where}: no connection: ${probe.reason}`] }
  const { certificateEndsMs } = probe
  const says =
    certificateEndsMs === null
      ? 'takes connections'
      : `takes connections, ${describeCertificateEnd(certificateEndsMs)}`
  return { isGood: true, lines: [`${where}: ${says}`] }
}

function urlsOf({ discoveryIssuer, keys, introspection }: IssuerConfiguration): readonly string[] {
  const urls = introspection === null ? [] : [introspection.endpoint]
  if (keys.kind !== 'jwks') return urls
  const { location } = keys
  if (location.kind === 'uri') return [location.uri, ...urls]
  return location.kind === 'discovery' ? [discoveryIssuer, ...urls] : urls
}

function askAboutRandom(
  { endpoint, clientId, clientKey, timeoutMs }: IntrospectionConfiguration,
  http: OutboundHttp,
): Promise<OutboundResult> {
  const client = { clientId, ...clientKey }
  const prove = createProofMaker(client, endpoint, () => randomHex(PROOF_ID_BYTES))
  const proof = prove(systemClock.nowSeconds())
  return http.post(introspectionRequest(endpoint, randomHex(TOKEN_BYTES), proof, timeoutMs))
}

/** @returns `null`: it answers as it should. */
function introspectionProblem(result: OutboundResult): string | null {
  const ourFault = OUR_FAULTS[result.status ?? 0]
  if (ourFault !== undefined) return ourFault
  if (!result.ok) {
    const { reason, status, cause } = result
    const words = describeCall({ reason, status, cause }, NO_ANSWERS[reason] ?? reason)
    return status === null ? `no answer: ${words}` : words
  }
  if (result.status !== STATUS_OK) return `answers with ${result.status}`
  if (!isJsonType(result.mediaType)) return 'answers with something else than JSON (Content-Type)'
  const members = parseJsonText(Buffer.from(result.body).toString('utf8'))
  if (members === null || !('active' in members)) return 'answers without "active"'
  return members['active'] === false ? null : 'does not say false of a random token'
}

/** The results in the order of the items. */
async function inTurn<T>(
  items: readonly T[],
  ask: (item: T) => Promise<Verdict>,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (let start = 0; start < items.length; start += PROBES_AT_ONCE) {
    const some = items.slice(start, start + PROBES_AT_ONCE)
    verdicts.push(...(await Promise.all(some.map(ask))))
  }
  return verdicts
}
