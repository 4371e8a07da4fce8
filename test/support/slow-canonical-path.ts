/** What canonical paths are compared with. */
import { EMPTY_SEGMENTS, ENCODED_SLASHES, NO_FORMS } from '../../src/http/canonical-path.ts'

/** The refusals and the rewriting, written the slow and obvious way. */
export function slowCanonicalPath(path: string, kept = NO_FORMS): string | null {
  const keepsSlashes = (kept & ENCODED_SLASHES) !== 0
  const keepsEmpty = (kept & EMPTY_SEGMENTS) !== 0
  if (!/^\/(?:[!-~]*)$/.test(path) || /[#?\\]/.test(path)) return null
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null
  if (/%(?:2E|5C|7F|[01][0-9A-F])/i.test(path)) return null
  if (!keepsSlashes && /%2F/i.test(path)) return null
  const segments = path.slice(1).split('/')
  for (const [position, segment] of segments.entries()) {
    const isLast = position === segments.length - 1
    if (segment === '' && !isLast && !keepsEmpty) return null
    if (segment.split(/%2F/i).some(isRefusedName)) return null
  }
  return path.replace(/%[0-9A-Fa-f]{2}/g, (encoding) => {
    const character = String.fromCharCode(Number.parseInt(encoding.slice(1), 16))
    return /[A-Za-z0-9\-_~]/.test(character) ? character : encoding.toUpperCase()
  })
}

/** Of what stands between slashes, encoded or not. */
function isRefusedName(part: string): boolean {
  const name = part.split(/;|%3B/i)[0] ?? ''
  return name === '.' || name === '..' || (name === '' && part !== '')
}

/** The bytes that each segment stands for, one character a byte. */
export function decodedSegments(path: string): readonly string[] {
  return path.split('/').map((segment) =>
    segment.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => {
      return String.fromCharCode(Number.parseInt(digits, 16))
    }),
  )
}
