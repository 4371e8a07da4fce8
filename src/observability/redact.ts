/**
 * Makes text from outside fit for a log line: no credential, no control character, no novel.
 *
 * A second fence. The first is that log events are typed and have no place for such text, except
 * the few fields that go through here.
 */

/** Longer text is cut, in characters. */
export const LOGGED_TEXT_LENGTH_MAX = 512

const REDACTED = '[redacted]'
/** The start of any JWS or JWE whose header is a JSON object, to the end of the token. */
const COMPACT_TOKEN = /eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*/g
const BEARER_OR_BASIC = /\b(bearer|basic|dpop)\s+[^\s,;"']+/gi
/** `user:password@` of a URL. */
const URL_USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/?#@]*@/gi
/** Values of query parameters and form fields, whatever their names. */
const QUERY_VALUE = /([?&][^=&#\s"']{1,64}=)[^&#\s"']+/g
const NOT_PRINTABLE = /[^\x20-\x7e]/g

/** Cuts and cleans. What is left may still be *about* a secret, so use it sparingly. */
export function redactText(text: string): string {
  return (
    text
      // Cut first, so that the work is bounded; a credential cut in two still begins like one.
      .slice(0, LOGGED_TEXT_LENGTH_MAX)
      .replace(NOT_PRINTABLE, '?')
      .replace(COMPACT_TOKEN, REDACTED)
      .replace(BEARER_OR_BASIC, `$1 ${REDACTED}`)
      .replace(URL_USER_INFO, `$1${REDACTED}@`)
      .replace(QUERY_VALUE, `$1${REDACTED}`)
  )
}

/** What a log may say about an unexpected error: not its message, which anyone may have written. */
export interface ErrorDescription {
  readonly errorName: string
  /** Such as `ECONNREFUSED`; `null` when the error has none. */
  readonly errorCode: string | null
  /** Function, file and line that threw; `null` when unknown. */
  readonly thrownAt: string | null
}

const WORD = /^[A-Za-z0-9_]{1,64}$/
const STACK_FRAME = /^\s+at (.+)$/m

export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { errorName: typeof error, errorCode: null, thrownAt: null }
  const code = 'code' in error ? error.code : null
  // The message stands in front of the frames and may look like one.
  const stack = error.stack ?? ''
  const frames = stack.slice(stack.indexOf(error.message) + error.message.length)
  const frame = STACK_FRAME.exec(frames)?.[1]
  return {
    errorName: WORD.test(error.name) ? error.name : 'Error',
    errorCode: typeof code === 'string' && WORD.test(code) ? code : null,
    thrownAt: frame === undefined ? null : redactText(frame),
  }
}
