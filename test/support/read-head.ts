/** What the server makes of fields, without a socket. */
import { NO_FORMS } from '../../src/http/canonical-path.ts'
import type { RequestHead } from '../../src/http/exchange.ts'
import type { NativeRequest } from '../../src/server/native-binary.ts'
import {
  type RequestLimits,
  type RequestRules,
  RequestSnapshotReader,
  type ServerRefusal,
} from '../../src/server/request-snapshot.ts'
import type { Fields } from './gateway-answer.ts'

export const STRICT_RULES: RequestRules = {
  keptFields: new Set(),
  keptForms: () => NO_FORMS,
  ignoresHandshake: () => false,
}

export const HEAD_LIMITS: RequestLimits = {
  headers: 100,
  headerBytes: 16_384,
  urlBytes: 8_192,
  bodyBytes: 1_048_576,
}

/**
 * Takes names and values as the native parser hands them up: in lower case, and trimmed.
 *
 * @param fields Values with one character a byte.
 */
export function readHead(
  method: string,
  target: string,
  fields: Fields,
  reader = new RequestSnapshotReader(HEAD_LIMITS, STRICT_RULES),
): RequestHead | ServerRefusal {
  const queryStart = target.indexOf('?')
  const path = queryStart === -1 ? target : target.slice(0, queryStart)
  // As the native parser has it: undefined without a `?`.
  const query = queryStart === -1 ? undefined : target.slice(queryStart + 1)
  const request: Pick<NativeRequest, 'getUrl' | 'forEach' | 'getHeader'> & {
    getQuery(): string | undefined
  } = {
    getUrl: () => path,
    getQuery: () => query,
    getHeader: (wanted) => {
      const found = fields.find(([name]) => name.toLowerCase() === wanted)
      return trimmed(found?.[1] ?? '')
    },
    forEach: (onField) => {
      for (const [name, value] of fields) onField(name.toLowerCase(), decoded(trimmed(value)))
    },
  }
  return reader.read(method, request as NativeRequest)
}

/** As the native parser does it: bytes beyond ASCII go as well. */
export function trimmed(value: string): string {
  return value.replace(/^[ \t\x80-\xff]+|[ \t\x80-\xff]+$/g, '')
}

/** It shows values to `forEach` as UTF-8. */
function decoded(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8')
}
