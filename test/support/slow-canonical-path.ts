/** What canonical paths are compared with. */

/** The refusals and the rewriting, written the slow and obvious way. */
export function slowCanonicalPath(path: string): string | null {
  if (!/^\/(?:[!-~]*)$/.test(path) || /[#?\\]/.test(path)) return null
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return null
  if (/%(?:2[EF]|5C|7F|[01][0-9A-F])/i.test(path)) return null
  const segments = path.slice(1).split('/')
  for (const [position, segment] of segments.entries()) {
    const isLast = position === segments.length - 1
    const name = segment.split(/;|%3B/i)[0] ?? ''
    if (name === '.' || name === '..') return null
    if (name === '' && !(isLast && segment === '')) return null
  }
  return path.replace(/%[0-9A-Fa-f]{2}/g, (encoding) => {
    const character = String.fromCharCode(Number.parseInt(encoding.slice(1), 16))
    return /[A-Za-z0-9\-_~]/.test(character) ? character : encoding.toUpperCase()
  })
}

/** The bytes that each segment stands for, one character a byte. */
export function decodedSegments(path: string): readonly string[] {
  return path.split('/').map((segment) =>
    segment.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => {
      return String.fromCharCode(Number.parseInt(digits, 16))
    }),
  )
}
