/** How the refusals of a route are written. */
import { isUtf8 } from 'node:buffer'
import { parseFieldName } from '../../../credentials/field-name.ts'
import { parseJsonTemplate } from '../../../protocol/refusal-template.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import {
  checkedText,
  multiLineText,
  type Output,
  oneOf,
  section,
  text,
  unlessAbsent,
} from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'

/** Fields of answers that mean something already. */
const ANSWER_FIELDS = /^(?:access-control-.*|age|allow|cache-control|connection|content-.*|cookie)$/
const OTHER_ANSWER_FIELDS =
  /^(?:etag|location|ratelimit.*|retry-after|server|set-cookie|vary|www-authenticate)$/
const OWN_ANSWER_FIELDS = /^(?:x-content-type-options|x-request-id)$/

export const routeErrors = section(
  'How answers of the gateway itself are written on this route. Requests that reach no route get ' +
    'problem documents, with the code in `X-Sallyport-Code`.',
  {
    format: oneOf(
      '`problem`: `application/problem+json` (RFC 9457). `json`: `template`. `html`: `page` for ' +
        'clients whose `Accept` prefers `text/html`; for others `template` if there is one, else ' +
        'a problem document.',
      ['problem', 'json', 'html'],
    ).prefault('problem'),
    codeHeader: unlessAbsent(
      checkedText(
        'Field of the answer that holds the code, so that it can be told from an answer of the ' +
          'upstream, from which a field of this name is taken out. `null`: none.',
        parseAnswerField,
        'must be a header name of letters, digits and - that no other field of an answer has',
      ),
    ).prefault('X-Sallyport-Code'),
    template: unlessAbsent(
      multiLineText(
        'A JSON object, as text. In its texts `{code}`, `{status}`, `{title}`, `{message}` and ' +
          '`{requestId}` are filled in; a text that is only `{status}` becomes a number.',
        parseJsonTemplate,
      ),
    ),
    page: unlessAbsent(
      text(
        'HTML file (UTF-8, 64 KiB at most), read with the configuration, with the same ' +
          'placeholders: for the text of elements and for attributes in quotes, never for ' +
          '`script` or `style`. Relative to the configuration file.',
      ),
    ),
  },
)

type RouteErrorsOutput = Output<typeof routeErrors>

/** In lower case, or `null`. */
function parseAnswerField(value: string): string | null {
  const name = parseFieldName(value)
  if (name === null) return null
  const taken = [ANSWER_FIELDS, OTHER_ANSWER_FIELDS, OWN_ANSWER_FIELDS]
  return taken.some((names) => names.test(name)) ? null : name
}

export function checkRouteErrors(
  path: ConfigPath,
  { format, template, page }: RouteErrorsOutput,
  report: ReportProblem,
): void {
  if (format === 'json' && template === null) report([...path, 'template'], 'is needed for json')
  if (format === 'problem' && template !== null) {
    report([...path, 'template'], 'needs format: json or html')
  }
  if (format === 'html' && page === null) report([...path, 'page'], 'is needed for html')
  if (format !== 'html' && page !== null) report([...path, 'page'], 'needs format: html')
}

/** Reads the page. */
export function resolveRouteErrors(
  path: ConfigPath,
  { codeHeader, template, page }: RouteErrorsOutput,
  files: SettingFiles,
) {
  if (page === null) return { codeHeader, template, page }
  const at = [...path, 'page']
  const bytes = files.content(at, page)
  if (bytes !== null && !isUtf8(bytes)) files.report(at, 'names a file that is not UTF-8')
  return { codeHeader, template, page: bytes?.toString('utf8').replace(/^\ufeff/, '') ?? '' }
}
