/**
 * Hot path: the sequence number that lets readers of shared memory detect a writer without a lock.
 *
 *     even: stable        odd: a writer is at work, or died at work
 *
 *     writer   beginWrite (CAS to the next odd) → stores → publishWrite (CAS to the next even)
 *     reader   load, must be even → copy out → load again, must be the same
 *
 * Both steps of the writer compare-and-swap. A writer that lost its turn meanwhile (it was slow and
 * another took over, or somebody invalidated the record) finds another number and publishes
 * nothing. Numbers only go up, so a number names one version of the record; they wrap after 2^31
 * versions of one record.
 *
 * What this does not give: on processors that reorder plain loads (ARM), a copy may hold words of
 * a newer version although both loads agree, and a slow writer's stray stores may land after its
 * turn. Records therefore also carry a checksum that covers the published number.
 */

/** A writer retries only against invalidations, which are rare; past this it gives its turn up. */
const BEGIN_ATTEMPTS_MAX = 8

/** Whether a record with this sequence number was completely published. */
export function isStable(sequence: number): boolean {
  return (sequence & 1) === 0
}

/** The even number under which a write begun with `odd` will be published. */
export function publishedSequence(odd: number): number {
  return (odd + 1) | 0
}

/**
 * Marks the record as being written. The caller must hold the lock that orders writers; a record
 * left odd by a writer that died is simply taken over under a new number.
 *
 * @returns The odd number now held, or 0 when the turn was lost.
 */
export function beginWrite(words: Int32Array, index: number): number {
  for (let attempt = 0; attempt < BEGIN_ATTEMPTS_MAX; attempt += 1) {
    const current = Atomics.load(words, index)
    const odd = isStable(current) ? (current + 1) | 0 : (current + 2) | 0
    if (Atomics.compareExchange(words, index, current, odd) === current) return odd
  }
  return 0
}

/**
 * Makes a record visible that was begun with `odd`.
 *
 * @returns Whether it is visible; `false` when another writer or an invalidation came between.
 */
export function publishWrite(words: Int32Array, index: number, odd: number): boolean {
  return Atomics.compareExchange(words, index, odd, publishedSequence(odd)) === odd
}

/**
 * Ends every version of the record, the one being written included. Needs no lock: the parity is
 * kept, so a writer at work stays visible as such, and its publication fails.
 */
export function invalidateRecord(words: Int32Array, index: number): void {
  Atomics.add(words, index, 2)
}
