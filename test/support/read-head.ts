/** What the server makes of fields, without a socket. */
import type { RequestHead } from '../../src/http/exchange.ts'
import type { NativeRequest } from '../../src/server/native-binary.ts'
import {
  type RequestLimits,
  RequestSnapshotReader,
  type ServerRefusal,
} from '../../src/server/request-snapshot.ts'
import type { Fields } from './gateway-answer.ts'

export const HEAD_LIMITS: RequestLimits = {
  headers: 100,
  headerBytes: 16_384,
  urlBytes: 8_192,
  bodyBytes: 1_048_576,
}

/** Takes names and values as the native parser hands them up: in lower case, and trimmed. */
export function readHead(
  method: string,
  target: string,
  fields: Fields,
  reader = new RequestSnapshotReader(HEAD_LIMITS),
): RequestHead | ServerRefusal {
  const queryStart = target.indexOf('?')
  const path = queryStart === -1 ? target : target.slice(0, queryStart)
  // As the native parser has it: undefined without a `?`.
  const query = queryStart === -1 ? undefined : target.slice(queryStart + 1)
  const request: Pick<NativeRequest, 'getUrl' | 'forEach'> & { getQuery(): string | undefined } = {
    getUrl: () => path,
    getQuery: () => query,
    forEach: (onField) => {
      for (const [name, value] of fields) onField(name.toLowerCase(), trimmed(value))
    },
  }
  return reader.read(method, request as NativeRequest)
}

function trimmed(value: string): string {
  return value.replace(/^[ \t]+|[ \t]+$/g, '')
}
