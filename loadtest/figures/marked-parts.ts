/**
 * The parts of a document that are generated, each between two comments:
 *
 *     <!-- figures: name -->
 *     …
 *     <!-- end of figures -->
 */

const START = /^<!-- figures: ([a-z-]+) -->$/gm
const END = '<!-- end of figures -->'

/** The names of the marked parts, in the order of the document. */
export function markedParts(document: string): readonly string[] {
  return [...document.matchAll(START)].map(([, name = '']) => name)
}

/**
 * The document with another text in the part of this name.
 *
 * @throws When it has no such part, or one without an end.
 */
export function replaceMarkedPart(document: string, name: string, text: string): string {
  const start = `<!-- figures: ${name} -->\n`
  const from = document.indexOf(start)
  const to = document.indexOf(END, from)
  if (from === -1 || to === -1) throw new Error(`The document has no whole part "${name}".`)
  return `${document.slice(0, from + start.length)}\n${text}\n\n${document.slice(to)}`
}
