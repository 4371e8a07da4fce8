/** Fuzz target: a `Cookie` field. The first line is the name to look for, the rest is the field. */
import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { COOKIE_NAME } from '../../src/credentials/field-name.ts'
import { cookieValue, findCookiePair, pairEnd, withoutCookie } from '../../src/http/cookie-pair.ts'
import { readExpressCookie } from '../../src/verifiers/session/express-cookie.ts'

export const dictionary = [
  ...['sid', 'sid=', '=', ';', '; ', ' ;', ',', '"', '\t', ' ', '$Version', '__Host-sid', 'sid =x'],
  ...['s:', 's%3A', '.', '%', '%2e', '%c0%80', '\0', ';;', 'SID=', '=sid=', 'sid=sid='],
]

const SECRETS = ['first', 'second'].map((secret) => createSecretKey(secret, 'utf8'))

export function fuzz(input: Uint8Array): string {
  const text = Buffer.from(input).toString('latin1')
  const nameEnd = text.indexOf('\n')
  const name = text.slice(0, Math.max(nameEnd, 0))
  const field = text.slice(nameEnd + 1)
  if (!COOKIE_NAME.test(name)) return 'no name'

  const values = valuesIn(field, name)
  const pairs = pairsOf(field)
  const isNamed = (pair: string): boolean => pair.startsWith(`${name}=`)
  assert.deepEqual(
    values,
    pairs.filter(isNamed).map((pair) => pair.slice(name.length + 1)),
  )
  const kept = withoutCookie(field, name)
  assert.deepEqual(valuesIn(kept, name), [])
  assert.deepEqual(
    pairsOf(kept),
    pairs.filter((pair) => pair.split(/[ \t]*=/, 1)[0] !== name || !pair.includes('=')),
  )
  for (const value of values) assert.equal(readExpressCookie(value, SECRETS), null)
  if (values.length > 1) return 'repeated'
  return values.length === 0 ? 'not there' : 'there'
}

/** Through the functions that are tested. */
function valuesIn(field: string, name: string): readonly string[] {
  const values: string[] = []
  let start = findCookiePair(field, name, 0)
  while (start !== -1) {
    assert.ok(field.startsWith(`${name}=`, start))
    values.push(cookieValue(field, name, start))
    start = findCookiePair(field, name, pairEnd(field, start) + 1)
  }
  return values
}

/** The slow and obvious way. */
function pairsOf(field: string): readonly string[] {
  const trimmed = field.split(';').map((pair) => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
  return trimmed.filter((pair) => pair !== '')
}
