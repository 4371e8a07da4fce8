/** `routes[].headers`: fields that a route sets, adds and removes, in both directions. */
import { isBelievedField } from '../../../proxy/believed-fields.ts'
import { isGatewayField } from '../../../proxy/hop-by-hop-headers.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { checkedText, claimText, listOf, named, type Output, section } from '../../setting.ts'

/** Of each direction: more would be a mistake, and a service reads a hundred fields at most. */
const EDITS_MAX = 32
const FIELD_NAME = /^[A-Za-z0-9-]{1,64}$/
const NAME_PROBLEM = 'must be a header name of letters, digits and -, 64 at most'

/** Spaces around a value mean nothing (RFC 9110 §5.5), and a value is more than spaces. */
function fieldValue(what: string) {
  return claimText(what).transform((value) => value.trim())
}

function edits(what: string, of: string) {
  const values = (meaning: string) =>
    named(meaning, fieldValue('Value: printable ASCII.'), FIELD_NAME, NAME_PROBLEM).prefault({})
  return section(what, {
    set: values(`Fields in place of what ${of} has under their names.`),
    add: values(`Fields beside what ${of} has under their names.`),
    remove: listOf(
      `Names of fields that ${of} does not keep.`,
      checkedText('Name.', (value) => (FIELD_NAME.test(value) ? value : null), NAME_PROBLEM),
    ).prefault([]),
  }).prefault({})
}

export const routeHeaders = section(
  'Fields that are set, added and removed. Values are constant text. Never an identity, a forwarding ' +
    'field, or what frames a message.',
  {
    request: edits('Of what goes to the service.', 'the request'),
    response: edits("Of the service's answers. Not of those of the gateway itself.", 'the answer'),
  },
)

export type RouteHeaders = Output<typeof routeHeaders>

/** Fields of answers that are the business of the server, or that the gateway writes itself. */
const ANSWER_FIELDS: ReadonlySet<string> = new Set([
  ...(['content-length', 'date', 'x-request-id', 'ratelimit', 'ratelimit-policy'] as const),
])
const FRAMING_FIELDS: ReadonlySet<string> = new Set(['host', 'content-length', 'date'])
const OWN_PROBLEM = 'names a field that the gateway writes itself, or by which a message is framed'

/**
 * Checks the edits of one well-formed route.
 *
 * @param own Names in lower case of request fields that the gateway writes itself, beside those
 *   that it always does.
 * @param codeHeader In lower case: with it a service would seem to be the gateway. `null`: none.
 */
export function checkRouteHeaders(
  path: ConfigPath,
  { request, response }: RouteHeaders,
  own: ReadonlySet<string>,
  codeHeader: string | null,
  report: ReportProblem,
): void {
  // A service would take a constant text for who is calling.
  const isBelieved = (name: string) => isGatewayField(name) || isBelievedField(name)
  const isOfRequests = (name: string) =>
    isBelieved(name) || FRAMING_FIELDS.has(name) || own.has(name)
  checkEdits([...path, 'headers', 'request'], request, isOfRequests, report)
  const isOfAnswers = (name: string) =>
    isGatewayField(name) || ANSWER_FIELDS.has(name) || name === codeHeader
  checkEdits([...path, 'headers', 'response'], response, isOfAnswers, report)
}

function checkEdits(
  path: ConfigPath,
  { set, add, remove }: RouteHeaders['request'],
  isOwn: (name: string) => boolean,
  report: ReportProblem,
): void {
  const seen = new Set<string>()
  const entries = [
    ...Object.entries(set).map(([name, value]) => ({ at: ['set', name], name, value })),
    ...Object.entries(add).map(([name, value]) => ({ at: ['add', name], name, value })),
    ...remove.map((name, index) => ({ at: ['remove', index], name, value: null })),
  ]
  if (entries.length > EDITS_MAX) report(path, `must edit at most ${EDITS_MAX} fields`)
  for (const { at, name, value } of entries) {
    const lowerCase = name.toLowerCase()
    if (isOwn(lowerCase)) report([...path, ...at], OWN_PROBLEM)
    else if (seen.has(lowerCase)) report([...path, ...at], 'names a field that is edited twice')
    else if (value === '') report([...path, ...at], 'must not be empty')
    seen.add(lowerCase)
  }
}
