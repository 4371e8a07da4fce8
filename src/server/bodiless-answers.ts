/**
 * Bounds what answers without a body can pile up on connections whose clients read nothing.
 *
 * The native server tells whether a connection takes its bytes only while a body is sent, and takes
 * a head alone whatever waits on that connection already. Nor does it tell which connection a
 * request came by. So heads alone are counted over all connections of a thread, and the answer with
 * which the count is full closes its connection, with all that is unsent on it: who asks most is
 * cut most. A connection therefore holds about {@link CLOSING_BYTES}, and a client that reads has
 * its connection closed, in order and after the answer, once in about a thousand such answers.
 */
const CLOSING_BYTES = 262_144

export class BodilessAnswers {
  #bytes = 0

  /** Counts a head. @returns Whether its connection must be closed behind it. */
  mustClose(headBytes: number): boolean {
    this.#bytes += headBytes
    if (this.#bytes < CLOSING_BYTES) return false
    this.#bytes = 0
    return true
  }
}
