/**
 * `100 Continue` for a client that waits for it before it sends its body (RFC 9110 §10.1.1), sent
 * when somebody wants the body, and not where the answer is a refusal.
 */
import type { NativeResponse } from './native-binary.ts'

/** The line end of the status line is followed by an empty line. */
const STATUS = '100 Continue\r\n'

export class Invitation {
  /** Whether the client still waits, as far as is known here. */
  isAwaited = true
  isSent = false
  readonly #write: () => void

  /** @param write Sends it, at once. Called once at most, and while the client is there. */
  constructor(write: () => void) {
    this.#write = write
  }

  /**
   * The body is wanted. To be called once, as long as it {@link isAwaited}.
   *
   * @param hasBegun Whether the body comes already: the client has not waited.
   */
  send(hasBegun: boolean): void {
    this.isAwaited = false
    if (hasBegun) return
    this.isSent = true
    this.#write()
  }
}

/**
 * For the native server, which sends it by itself, before anything is decided, for `Expect:
 * 100-continue` in lower case. For any other case, such as that of the JDK, it sends nothing, and
 * then this does.
 *
 * It has no call for an interim answer: the status line that it lets us write is used up by it, and
 * the one of the answer goes in front of the first field (write-fields.ts).
 */
export function nativeInvitation(response: NativeResponse): Invitation {
  return new Invitation(() => {
    response.cork(() => {
      response.writeStatus(STATUS)
    })
  })
}
