/** Hot path, for routes that say who may read: puts the fields of CORS into an answer. */
import { type HeaderList, listHas } from './header-list.ts'

const PREFIX = 'access-control-'
const VARY = 'vary'

/**
 * The fields of an answer with these in place of all others of CORS, under whatever spelling they
 * stand there. `Vary` is added to the ones that are there, unless one of them says it already.
 *
 * @param fields Names in lower case.
 */
export function withCorsFields(headers: HeaderList, fields: HeaderList): string[] {
  const all: string[] = []
  let variesByOrigin = false
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    if (isCorsField(name)) continue
    if (name.length === VARY.length && name.toLowerCase() === VARY && listsOrigin(value)) {
      variesByOrigin = true
    }
    all.push(name, value)
  }
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const name = fields[index] as string
    if (name === VARY && variesByOrigin) continue
    all.push(name, fields[index + 1] as string)
  }
  return all
}

function isCorsField(name: string): boolean {
  return name.length > PREFIX.length && name.slice(0, PREFIX.length).toLowerCase() === PREFIX
}

function listsOrigin(vary: string): boolean {
  return listHas(vary, 'origin') || listHas(vary, '*')
}
