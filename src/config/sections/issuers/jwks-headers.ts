/** `issuers.<name>.jwks.headers`: fields that are sent along when keys are fetched. */
import { FIELD_NAME_PROBLEM, parseIdentityFieldName } from '../../../credentials/field-name.ts'
import { fieldValueIn, isFieldValue, type KeyRequestField } from '../../../keys/key-access.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import {
  either,
  named,
  type Output,
  patternText,
  secretText,
  section,
  text,
} from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'

const VALUE_PROBLEM = 'must be printable ASCII, without spaces at its ends'
/** What the gateway says itself about every fetch. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['accept', 'accept-encoding'])

const fileValue = section('A value from a file.', {
  file: text(
    'File that holds the value, read anew for every fetch: one that is replaced needs no reload. ' +
      'Relative to the configuration file.',
  ),
  prefix: patternText(
    'What stands before it, such as `Bearer ` with its space.',
    /^(?:[\x21-\x7e][\x20-\x7e]*)?$/,
    'must be printable ASCII that does not begin with a space',
  ).prefault(''),
})

export const jwksHeadersSchema = named(
  'Header fields that are sent with each request for metadata and keys, such as `Authorization`: ' +
    'each is text, or a section with `file`. They go to the origin of `uri`, or with `discovery` ' +
    'of `issuer`, and to no other; they are never logged.',
  either(
    'The value.',
    [secretText(`The value itself. Take a secret from the environment, as \${NAME}.`), fileValue],
    'must be text, or a section with file',
  ),
  /^[A-Za-z0-9-]{1,64}$/,
  FIELD_NAME_PROBLEM,
)

type HeadersOutput = Output<typeof jwksHeadersSchema>

/** Checks well-formed settings. Opens no file. */
export function checkJwksHeaders(
  path: ConfigPath,
  headers: HeadersOutput,
  report: ReportProblem,
): void {
  const seen = new Set<string>()
  for (const [name, setting] of Object.entries(headers)) {
    const at = [...path, name]
    const inLowerCase = name.toLowerCase()
    if (!isOurs(inLowerCase)) report(at, FIELD_NAME_PROBLEM)
    else if (seen.has(inLowerCase)) report(at, 'is written twice, in another case')
    seen.add(inLowerCase)
    if (typeof setting === 'string' && !isFieldValue(setting)) report(at, VALUE_PROBLEM)
  }
}

export function resolveJwksHeaders(
  path: ConfigPath,
  headers: HeadersOutput,
  files: SettingFiles,
): readonly KeyRequestField[] {
  return Object.entries(headers).map(([written, setting]) => {
    const name = written.toLowerCase()
    if (typeof setting === 'string') return { name, prefix: '', value: setting, file: null }
    const { prefix, file } = setting
    const at = [...path, written, 'file']
    const bytes = files.checked(at, file)
    if (bytes !== null && fieldValueIn(bytes, prefix) === null) {
      files.report(at, 'names a file that holds nothing, or what no header may')
    }
    return { name, prefix, value: null, file: files.absolute(file) }
  })
}

/** Authorization is ours to send here, the fields of the message are not. */
function isOurs(name: string): boolean {
  if (name === 'authorization') return true
  return parseIdentityFieldName(name) !== null && !OWN_FIELDS.has(name)
}
