/**
 * The supervisor's side of internal tokens: keeps their keys, hands every change to the listener
 * threads and tells the operator.
 *
 * A message reaches one thread before another, so for a moment one thread may sign with a key while
 * another still publishes and signs as before. No upstream can notice: by the overlap
 * (identity/key-overlap.ts), a key signs only long after all threads have published it, and stays
 * published long after all have stopped signing with it.
 */
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { keyOverlap } from '../identity/key-overlap.ts'
import {
  openSigningKeys,
  type SigningKeyEvent,
  type SigningKeys,
  type SigningSnapshot,
} from '../identity/signing-keys.ts'
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../runtime/clock.ts'
import { StartError } from '../threads/start-error.ts'

/** How long after `exp` an upstream may still take a token, by its own tolerance. */
const UPSTREAM_TOLERANCE_SECONDS = 60

export interface InternalTokenKeysParts {
  readonly clock: Clock
  readonly logger: Logger
  /** Called with each snapshot but the first. */
  readonly onSnapshot: (snapshot: SigningSnapshot) => void
}

export class InternalTokenKeys {
  readonly #parts: InternalTokenKeysParts
  #keys: SigningKeys | null = null

  constructor(parts: InternalTokenKeysParts) {
    this.#parts = parts
  }

  /**
   * Makes or reads the first keys and has them rotate, if any route sends internal tokens and they
   * are not there yet.
   *
   * @throws (rejects) StartError when the files of keys are of no use.
   */
  async startFor(configuration: GatewayConfiguration): Promise<void> {
    if (this.#keys !== null || !sendsInternalTokens(configuration)) return
    const { algorithm, keyRotationMs, ttlSeconds, upstreamCacheMs, keys } =
      configuration.identity.internalToken
    const overlap = keyOverlap({
      keyRotationMs,
      tokenTtlSeconds: ttlSeconds,
      upstreamToleranceSeconds: UPSTREAM_TOLERANCE_SECONDS,
      upstreamCacheMs,
    })
    const opened = await openSigningKeys(
      { algorithm, keyRotationMs, overlap, source: keys },
      {
        clock: this.#parts.clock,
        onSnapshot: this.#parts.onSnapshot,
        onEvent: (event) => logSigningKeyEvent(this.#parts.logger, event),
      },
    )
    if (!opened.ok) {
      throw new StartError(`identity.internalToken: the keys cannot be used (${opened.reason})`)
    }
    if (keys.kind === 'generated') this.#parts.logger.log({ event: 'signing_keys_unshared' })
    this.#keys = opened.signingKeys
    this.#keys.start()
  }

  /** `null`: no route sends internal tokens. */
  snapshot(): SigningSnapshot | null {
    return this.#keys?.snapshot() ?? null
  }

  stop(): void {
    this.#keys?.stop()
  }
}

/** Whether the gateway needs keys to sign with. */
export function sendsInternalTokens({ routes }: GatewayConfiguration): boolean {
  return routes.some(mayMint)
}

function mayMint({ identity, authenticate }: RouteConfiguration): boolean {
  return identity === 'internal-token' && authenticate !== 'none'
}

function logSigningKeyEvent(logger: Logger, { type, keyId, reason }: SigningKeyEvent): void {
  if (type === 'key_files_failed') {
    logger.security({ event: 'signing_key_files_failed', reason: reason ?? 'unknown' })
  } else {
    logger.security({ event: type, keyId: keyId ?? 'unknown' })
  }
}
