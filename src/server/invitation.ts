/**
 * `100 Continue` for a client that waits for it before it sends its body (RFC 9110 §10.1.1), sent
 * when somebody wants the body, and not where the answer is a refusal.
 *
 * The native server sends it by itself, before anything is decided, for `Expect: 100-continue` in
 * lower case. For any other case, such as that of the JDK, it sends nothing, and then this does.
 *
 * The native server has no call for an interim answer: the status line that it lets us write is
 * used up by it, and the one of the answer goes in front of the first field (write-fields.ts).
 */
import type { NativeResponse } from './native-binary.ts'

/** The line end of the status line is followed by an empty line. */
const STATUS = '100 Continue\r\n'

export class Invitation {
  /** Whether the client still waits, as far as is known here. */
  isAwaited = true
  isSent = false
  readonly #response: NativeResponse

  constructor(response: NativeResponse) {
    this.#response = response
  }

  /**
   * The body is wanted. Only the first call counts.
   *
   * @param isGone Whether the client has gone: the native object must not be touched then.
   * @param hasBegun Whether the body comes already: the client has not waited.
   */
  send(isGone: boolean, hasBegun: boolean): void {
    if (!this.isAwaited || isGone) return
    this.isAwaited = false
    if (hasBegun) return
    this.isSent = true
    this.#response.cork(() => {
      this.#response.writeStatus(STATUS)
    })
  }
}
