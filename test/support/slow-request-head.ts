/** What the server must make of a request, written the slow and obvious way. */
import type { RequestHead } from '../../src/http/exchange.ts'
import type { ServerRefusal } from '../../src/server/request-snapshot.ts'
import type { Fields } from './gateway-answer.ts'
import { HEAD_LIMITS } from './read-head.ts'
import { slowCanonicalPath } from './slow-canonical-path.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** All others are dropped: to some servers `X_User_Id` is `X-User-Id`. */
const PLAIN_NAME = /^[-0-9A-Za-z]+$/
const VALUE = /^[\t -~\x80-\xff]*$/
const LENGTH = /^[0-9]{1,15}$/
const HOST = /^(?:[-._0-9A-Za-z]{1,255}|\[[.:0-9A-Fa-f]{2,253}\])(?::[0-9]{1,5})?$/

const ONCE = ['host', 'content-length', 'transfer-encoding', 'expect']
const OF_VALUE: Readonly<Record<string, RegExp>> = {
  'content-length': LENGTH,
  'transfer-encoding': /^chunked$/i,
  expect: /^100-continue$/i,
}

export interface SlowHead {
  readonly head: RequestHead
  readonly mustClose: boolean
  readonly mustWait: boolean
}

/** @param fields Names in lower case, values trimmed, with one character a byte. */
export function slowRequestHead(target: string, fields: Fields): SlowHead | ServerRefusal {
  const [rawPath = '', ...queries] = target.split('?')
  const query = queries.join('?')
  if (rawPath.length + query.length > HEAD_LIMITS.urlBytes) return 'uri_too_long'
  const path = slowCanonicalPath(rawPath)
  if (path === null || !/^[!-~]*$/.test(query) || query.includes('#')) return 'request_malformed'
  const refusal = fieldRefusal(fields)
  if (refusal !== null) return refusal

  const kept = fields.filter(([name]) => PLAIN_NAME.test(name))
  const valueNamed = (wanted: string): string | null =>
    kept.find(([name]) => name === wanted)?.[1] ?? null
  const authority = valueNamed('host') ?? ''
  const length = valueNamed('content-length')
  const isChunked = valueNamed('transfer-encoding') !== null
  if (isChunked && length !== null) return 'request_malformed'
  if (isHandshake(kept)) return 'websocket_unsupported'
  if (!HOST.test(authority)) return 'request_malformed'
  if (Number(length) > HEAD_LIMITS.bodyBytes) return 'body_too_large'
  const host = authority.toLowerCase().replace(/:[0-9]+$/, '')
  const contentLength = isChunked ? null : Number(length)
  return {
    head: {
      ...{ method: 'GET', path, query, headers: kept.flat(), authority, contentLength },
      hasQuery: target.includes('?'),
      host: host.length > 1 ? host.replace(/\.$/, '') : host,
      hasBody: contentLength !== 0,
    },
    mustClose: isChunked || kept.some(closes),
    mustWait: kept.some(waits),
  }
}

/** The first problem counts. */
function fieldRefusal(fields: Fields): ServerRefusal | null {
  const seen: string[] = []
  let bytes = 0
  for (const [name, value] of fields) {
    if (isMalformed(name, value, seen)) return 'request_malformed'
    if (PLAIN_NAME.test(name)) seen.push(name)
    bytes += name.length + value.length + ': \r\n'.length
    const isTooLarge = bytes > HEAD_LIMITS.headerBytes || seen.length > HEAD_LIMITS.headers
    if (isTooLarge) return 'headers_too_large'
  }
  return null
}

function isMalformed(name: string, value: string, seen: readonly string[]): boolean {
  if (!TOKEN.test(name) || !VALUE.test(value)) return true
  const isRepeated = ONCE.includes(name) && seen.includes(name)
  return isRepeated || OF_VALUE[name]?.test(value) === false
}

/** Five characters are left to the native server, which takes each of them for `close`. */
function closes([name, value]: readonly [string, string]): boolean {
  const options = value.split(',').map((option) => option.trim().toLowerCase())
  return name === 'connection' && value.length !== 5 && options.includes('close')
}

/** The native server answers 100 to one spelling alone. */
function waits([name, value]: readonly [string, string]): boolean {
  return name === 'upgrade' || (name === 'expect' && value !== '100-continue')
}

function isHandshake(fields: Fields): boolean {
  const lists = (wanted: string, word: string) =>
    fields.some(([name, value]) => {
      return (
        name === wanted &&
        value
          .toLowerCase()
          .split(/[ \t]*,[ \t]*/)
          .includes(word)
      )
    })
  return lists('upgrade', 'websocket') && lists('connection', 'upgrade')
}
