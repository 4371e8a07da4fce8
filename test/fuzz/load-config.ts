/** Fuzz target: the text of a configuration. It is understood, or refused with its problems. */
import assert from 'node:assert/strict'
import { ConfigError, describeProblem } from '../../src/config/config-error.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import type { GatewayConfiguration } from '../../src/config/sections.ts'
import { readYaml } from '../../src/config/yaml-document.ts'

export const dictionary = [
  ...[
    'server:',
    'issuers:',
    'routes:',
    'upstreams:',
    'redis:',
    'sessions:',
    'tenants:',
    'apiKeys:',
  ],
  ...[
    '\n',
    '\n  ',
    '\n    ',
    ': ',
    '- ',
    '{ ',
    ' }',
    '[',
    ']',
    ', ',
    '"',
    "'",
    '#',
    '|',
    '>',
    '&a',
    '*a',
  ],
  ...[
    '<<: *a',
    '!!js',
    '!!binary',
    '%YAML 1.1',
    '---',
    '\t',
    `\${PORT}`,
    `\${NONE:-1}`,
    '$${',
    '${',
    '}',
  ],
  ...[
    'true',
    'null',
    '~',
    '0x10',
    '1e3',
    '.inf',
    '.nan',
    '0',
    '-1',
    '8080',
    '10s',
    '1h',
    'canary-4711',
  ],
  ...['authenticate: none', 'match: { path: /a/* }', 'https://idp.example.com/', '__proto__', '*'],
]

/** Stands where secrets stand: no problem may repeat it. */
const SECRET = 'canary-4711'
const SURROUNDINGS = {
  environment: { PORT: '8080', EMPTY: '', SECRET, SWITCH: 'true' },
  machine: { cores: 4, memoryBytes: null },
  directory: '/nonexistent',
}
const MESSAGE_LENGTH_MAX = 400

export function fuzz(input: Uint8Array): string {
  const text = Buffer.from(input).toString('utf8')
  const outcome = parsed(text)
  if (outcome instanceof ConfigError) {
    assertProblems(outcome, text)
    return 'refused'
  }
  assertSameAsJson(text, outcome)
  return 'understood'
}

function parsed(text: string): GatewayConfiguration | ConfigError {
  try {
    return parseConfig(text, SURROUNDINGS)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

function assertProblems({ problems }: ConfigError, text: string): void {
  const lines = text.split(/\r\n|\r|\n/).length
  assert.ok(problems.length > 0 && problems.length <= 100 + text.length)
  for (const problem of problems) {
    const { message, line, column } = problem
    assert.ok(message !== '' && message.length <= MESSAGE_LENGTH_MAX, message)
    assert.ok(!message.includes(SECRET) && !message.includes('\n'), message)
    assert.ok(line === null || (line >= 1 && line <= lines), `line ${line} of ${lines}`)
    assert.ok(column === null || column >= 1)
    assert.ok(describeProblem(problem).endsWith(message))
  }
}

/** JSON is YAML: what was read, written as JSON, means the same. */
function assertSameAsJson(text: string, configuration: GatewayConfiguration): void {
  const reading = readYaml(text)
  assert.ok(reading.ok)
  const json = JSON.stringify(reading.document.value)
  assert.deepEqual(parseConfig(json, SURROUNDINGS), configuration)
}
