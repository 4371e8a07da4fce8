/**
 * Keys that an operator puts into files, the same ones for all instances.
 *
 * The newest key signs, and newest is the last by file name (`2026-11-01.pem`): times of files
 * differ between machines, and a mounted secret gives the same one to all of its files. All keys in
 * the directory are published. To rotate: add a file, wait until all instances have signed with it
 * for the life of a token, remove the old one.
 *
 * - A new key signs when it has been published for the overlap; until then the one before it does.
 * - A key whose file is gone signs no more, unless nothing else can yet: so a file that is replaced
 *   in place is as good as an added one, as long as the process lives. It stays published until its
 *   last token is dead.
 * - After a start, the time that a file has been in its place counts as time for which its key has
 *   been published. Not its date, which a copy may bring along from elsewhere.
 */
import type { Clock } from '../runtime/clock.ts'
import type { KeyOverlap } from './key-overlap.ts'
import type { KeyPlan, KeyPlanner, NoKeyPlan } from './key-plan.ts'
import { type KeyFile, readKeyFiles } from './read-key-files.ts'
import type { InternalTokenAlgorithm, SigningKey } from './signing-key.ts'

/** Between two looks at the files. Part of the room that the overlap has for instances that lag. */
const REVIEW_MS = 10_000

export interface KeyFilesOptions {
  /** Keys of the other algorithm are published, but do not sign. */
  readonly algorithm: InternalTokenAlgorithm
  readonly overlap: KeyOverlap
  /** A file, or a directory in which every `*.pem` is one. */
  readonly path: string
}

interface Held {
  readonly key: SigningKey
  readonly publishedAtMs: number
  name: string
  isPresent: boolean
  /** Last instant at which its file was there, or it signed. */
  neededAtMs: number
}

export class KeyFiles implements KeyPlanner {
  readonly #options: KeyFilesOptions
  readonly #clock: Clock
  /** By `kid`. Bounded by the files there are, and those that were there within the overlap. */
  readonly #held = new Map<string, Held>()
  #signing: Held | null = null

  constructor(options: KeyFilesOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  async plan(): Promise<KeyPlan | NoKeyPlan> {
    const read = await readKeyFiles(this.#options.path)
    const nowMs = this.#clock.monotonicMs()
    if (read.files !== null) this.#take(read.files, nowMs)
    for (const held of this.#held.values()) {
      if (held.isPresent || held === this.#signing) held.neededAtMs = nowMs
    }
    const signing = this.#choose(nowMs)
    this.#signing = signing
    if (signing === null) return { ok: false, problem: read.problem ?? 'no_key' }

    for (const [keyId, held] of this.#held) {
      const isDead = nowMs >= held.neededAtMs + this.#options.overlap.behindMs
      if (isDead && !held.isPresent && held !== signing) this.#held.delete(keyId)
    }
    return {
      ok: true,
      signing: signing.key,
      published: this.#newestFirst().map(({ key }) => key),
      reviewInMs: REVIEW_MS,
      problem: read.problem ?? (signing.isPresent ? null : this.#problemOfAbsence()),
    }
  }

  #take(files: readonly KeyFile[], nowMs: number): void {
    const isStart = this.#held.size === 0
    for (const held of this.#held.values()) held.isPresent = false
    for (const { key, name, writtenAtMs } of files) {
      const held = this.#held.get(key.keyId)
      if (held !== undefined) {
        held.name = name
        held.isPresent = true
        continue
      }
      // A file that appears before our eyes was not published by us before, whatever it claims.
      const ageMs = isStart ? Math.max(0, this.#clock.wallMs() - writtenAtMs) : 0
      const publishedAtMs = nowMs - ageMs
      this.#held.set(key.keyId, { key, publishedAtMs, name, isPresent: true, neededAtMs: nowMs })
    }
  }

  #choose(nowMs: number): Held | null {
    const { algorithm, overlap } = this.#options
    const present = this.#newestFirst().filter(
      ({ isPresent, key }) => isPresent && key.algorithm === algorithm,
    )
    const ripe = present.find(({ publishedAtMs }) => nowMs >= publishedAtMs + overlap.aheadMs)
    // Of keys that are all new, the oldest has the best chance to be known to upstreams.
    return ripe ?? this.#signing ?? present.at(-1) ?? null
  }

  /** All files of the algorithm are gone: it signs on, but not after a restart. */
  #problemOfAbsence(): 'no_key' | null {
    const { algorithm } = this.#options
    const isReplaced = this.#newestFirst().some(
      ({ isPresent, key }) => isPresent && key.algorithm === algorithm,
    )
    return isReplaced ? null : 'no_key'
  }

  #newestFirst(): Held[] {
    return [...this.#held.values()].sort((left, right) => compareNames(right.name, left.name))
  }
}

/** By code unit: the same order on every machine, whatever its language. */
function compareNames(left: string, right: string): number {
  if (left === right) return 0
  return left < right ? -1 : 1
}
