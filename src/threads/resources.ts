/**
 * What has a life of its own, longer than a configuration: pools, connections, clients. Each is
 * taken by what it is: its kind and a digest of its settings. The same settings are the same
 * resource, which ends when the last lease that took it is released.
 *
 *     resources.lease() ─► take(…) ─► take(…) ─► release()     one lease for each revision
 */
import { hash } from 'node:crypto'
import { assertInvariant } from '../runtime/assert-invariant.ts'

/** How to make a resource, and how to end it. */
export interface ResourceLife<Resource> {
  readonly create: () => Resource
  readonly close: (resource: Resource) => Promise<void> | void
}

interface Held {
  readonly resource: unknown
  readonly close: () => Promise<void> | void
  users: number
}

export class Resources {
  readonly #held = new Map<string, Held>()

  /** How many there are. */
  get size(): number {
    return this.#held.size
  }

  /** For one user, who takes what it needs and releases all of it at once. */
  lease(): ResourceLease {
    return new ResourceLease(this.#held)
  }
}

export class ResourceLease {
  readonly #held: Map<string, Held>
  readonly #taken: string[] = []
  #isReleased = false

  /** For {@link Resources.lease}. */
  constructor(held: Map<string, Held>) {
    this.#held = held
  }

  /**
   * Takes a resource, which is made if no lease has it.
   *
   * @param kind What it is. Resources of one kind have one type.
   * @param settings All that it depends on, as plain values.
   */
  take<Resource>(kind: string, settings: unknown, life: ResourceLife<Resource>): Resource {
    assertInvariant(!this.#isReleased, 'a lease that was released takes nothing')
    const key = resourceKey(kind, settings)
    const held = this.#held.get(key) ?? hold(life)
    held.users += 1
    this.#held.set(key, held)
    this.#taken.push(key)
    // The kind is part of the key.
    return held.resource as Resource
  }

  /** Settles when the resources that no other lease has are closed. Later calls do nothing. */
  async release(): Promise<void> {
    this.#isReleased = true
    await Promise.all(this.#taken.splice(0).map((key) => this.#giveBack(key)))
  }

  async #giveBack(key: string): Promise<void> {
    const held = this.#held.get(key)
    assertInvariant(held !== undefined, 'what is taken is held')
    held.users -= 1
    if (held.users > 0) return
    // A lease that takes it from now on gets a new one, while this one closes.
    this.#held.delete(key)
    await held.close()
  }
}

function hold<Resource>({ create, close }: ResourceLife<Resource>): Held {
  const resource = create()
  return { resource, close: () => close(resource), users: 0 }
}

/**
 * A digest, because settings have secrets in them.
 *
 * @throws When a setting is no plain value: two that differ might look the same.
 */
export function resourceKey(kind: string, settings: unknown): string {
  return `${kind} ${hash('sha256', canonicalText(settings), 'hex')}`
}

/** The same for equal settings, in whichever order their members are. */
function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`
  if (value === null || typeof value === 'number' || typeof value === 'boolean') {
    return String(value)
  }
  if (typeof value === 'string') return JSON.stringify(value)
  const isPlain = typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype
  assertInvariant(isPlain, 'settings of a resource are plain values')
  const members = Object.entries(value as object).sort(([one], [two]) => (one < two ? -1 : 1))
  return `{${members.map(([name, part]) => `${JSON.stringify(name)}:${canonicalText(part)}`).join()}}`
}
