/**
 * Field values of answers with bytes beyond ASCII. They are passed on as one character a byte; the
 * native server would write such a character as two bytes of UTF-8, so it is given bytes.
 *
 * Hot path: as long as none has come in this thread, nothing is looked at.
 */
const BEYOND_ASCII = /[\x80-\xff]/

let haveCome = false

/** A value with such bytes is on its way to a client. */
export function noteOpaqueBytes(): void {
  haveCome = true
}

/** @returns The text, or its bytes where it has characters that stand for bytes beyond ASCII. */
export function opaqueBytes(text: string): string | Uint8Array {
  return haveCome && BEYOND_ASCII.test(text) ? Buffer.from(text, 'latin1') : text
}
