/**
 * Hot path: bounds the memory that request bodies take in this thread on their way upstream.
 *
 *     0 ──────────────────── 3/4 ──────────── 1
 *       everything goes on     │ no new body    │ what still comes in is refused
 *                              │ but small ones,│
 *                              │ others wait    │
 *
 * Without it, an upstream that takes nothing could be sent a block of each of thousands of bodies.
 * A body that waits has its socket paused, so that what follows stays with the client. It counts
 * what was allocated, not what is used of it, until the upstream has taken it or begins to answer.
 * Small bodies that are whole count by the page they share (body-pages.ts), but for the page that
 * is being filled. A request without a body never gets here.
 *
 * Bodies that someone looks into before they go on (`RequestBody.peek`) may have a quarter of it in
 * all: a client that sends the beginning of thousands of them must not stop all others.
 */

/** A body under way, as its memory sees it. */
interface HeldBody {
  /** Nothing more may be read from its socket, until `goOn`. */
  holdBack(): void
  goOn(): void
}

/** What a body may have that is still let in when there is little memory left. */
const SMALL_BODY_BYTES_MAX = 16_384
const PEEK_SHARE = 0.25
const SHORT_SHARE = 0.75
/** Those who wait go on when so much is free that they will not have to wait again at once. */
const ENOUGH_SHARE = 0.5

class BodyMemory {
  heldBytes = 0
  /** Of these, in bodies that are being looked into. */
  peekedBytes = 0
  #maxBytes = Number.POSITIVE_INFINITY
  #isShort = false
  readonly #underWay = new Set<HeldBody>()

  /** Sets the bound of this thread. */
  bound(maxBytes: number): void {
    this.#maxBytes = maxBytes
  }

  /** Whether no byte more may be held. */
  get isFull(): boolean {
    return this.heldBytes >= this.#maxBytes
  }

  /** Whether so much more may be held in bodies that are being looked into. */
  admitsPeek(bytes: number): boolean {
    return this.peekedBytes + bytes <= this.#maxBytes * PEEK_SHARE
  }

  /** @param contentLength `null` when the length is not known. */
  admits(contentLength: number | null): boolean {
    return isSmall(contentLength) ? !this.isFull : !this.#isShort
  }

  /**
   * It was let in. A small one is never held back: what it may still bring is little, and it would
   * wait for others to end.
   */
  begin(body: HeldBody, contentLength: number | null): void {
    if (!isSmall(contentLength)) this.#underWay.add(body)
  }

  end(body: HeldBody): void {
    this.#underWay.delete(body)
  }

  hold(bytes: number): void {
    this.heldBytes += bytes
    if (this.#isShort || this.heldBytes < this.#maxBytes * SHORT_SHARE) return
    this.#isShort = true
    for (const body of this.#underWay) body.holdBack()
  }

  release(bytes: number): void {
    this.heldBytes -= bytes
    if (!this.#isShort || this.heldBytes > this.#maxBytes * ENOUGH_SHARE) return
    this.#isShort = false
    for (const body of this.#underWay) body.goOn()
  }
}

function isSmall(contentLength: number | null): boolean {
  return contentLength !== null && contentLength <= SMALL_BODY_BYTES_MAX
}

/** Of this thread. */
export const bodyMemory = new BodyMemory()
