/** Writes the manual of the configuration file and of the environment variables. */
import { PROXY_VARIABLES } from './egress-environment.ts'
import { ENVIRONMENT_VARIABLES, NATIVE_SERVER_VARIABLE } from './environment.ts'
import { configurationJsonSchema } from './schema.ts'
import {
  describePreset,
  PROVIDER_NAMES,
  PROVIDER_PRESETS,
  presetSettings,
} from './sections/issuers/provider-presets.ts'

/** As much of JSON Schema as the settings use. */
interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly properties?: Readonly<Record<string, Node>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
  readonly 'x-limits'?: string
}

const PREFACE = `# Configuration

<!-- Generated from src/config by "npm run docs". Do not edit. -->

One YAML 1.2 file, at most 1 MiB. Editors check it with
[sallyport.schema.json](sallyport.schema.json); put this at its top:

\`\`\`yaml
# yaml-language-server: $schema=./docs/sallyport.schema.json
\`\`\`

- Unknown and duplicate keys are errors. \`sallyport check --config gateway.yaml\` prints every
  problem at once, with its line, column and path, and the setting that a misspelt one is next to.
- Durations are a whole number and a unit: \`250ms\`, \`30s\`, \`5m\`, \`1h\`.
- \`\${NAME}\` is the value of an environment variable; \`\${NAME:-default}\` has a default for when it
  is unset or empty; \`$\${\` is a literal \`\${\`. Values are put in after the file has been parsed, so
  that they cannot add settings. Within \`{ }\` and \`[ ]\` a reference needs quotes.
- Names of files are relative to the configuration file.
- A setting of a later version is refused by name, never ignored.
`

const PROVIDERS_PREFACE = `## Providers

What \`issuers.<name>.provider\` fills in where the file does not say otherwise. No provider names an
audience or a client, and none allows an algorithm or a type that is not allowed without one. What
to set at each of them, and what goes wrong first, is in [providers.md](providers.md).

| \`provider\` | is | fills in |
| --- | --- | --- |
`

const ENVIRONMENT_PREFACE = `## Environment variables

Pools are tuned by environment variables. Where a setting says the same, the variable wins.

| variable | meaning | limits | default |
| --- | --- | --- | --- |
`

/** The whole manual, in Markdown. */
export function configurationManual(): string {
  const root: Node = configurationJsonSchema()
  const required = new Set(root.required)
  const sections = Object.entries(root.properties ?? {}).map(([name, node]) => {
    return describeTopLevel(name, node, required.has(name))
  })
  return `${PREFACE}\n${sections.join('\n')}\n${providerManual()}\n${environmentManual()}`
}

const HEADING = '| setting | what it takes | default | meaning |\n| --- | --- | --- | --- |\n'

function describeTopLevel(name: string, node: Node, isRequired: boolean): string {
  const rows: string[] = []
  if (isLeaf(node)) addRow(rows, name, node, isRequired)
  else addChildren(rows, name, node)
  const need = isRequired ? ' Required.' : ''
  return `## ${name}\n\n${node.description ?? ''}${need}\n\n${HEADING}${rows.join('\n')}\n`
}

function addRow(rows: string[], path: string, node: Node, isRequired: boolean): void {
  const fallback = isRequired ? '**required**' : describeDefault(node)
  const cells = [`\`${path}\``, describeKind(node), fallback, describeMeaning(node)]
  rows.push(`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
}

/** The rows of everything below a setting. */
function addChildren(rows: string[], path: string, outer: Node): void {
  const node = withoutNull(outer)
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    if (child.const !== undefined) continue
    const childPath = `${path}.${key}`
    addRow(rows, childPath, child, node.required?.includes(key) === true)
    addChildren(rows, childPath, child)
  }
  if (typeof node.additionalProperties === 'object') {
    addChildren(rows, `${path}.<name>`, node.additionalProperties)
  }
  if (node.items?.oneOf !== undefined) {
    for (const variant of node.items.oneOf) addVariant(rows, `${path}[]`, variant)
  } else if (node.items !== undefined) {
    addChildren(rows, `${path}[]`, node.items)
  }
}

function addVariant(rows: string[], path: string, variant: Node): void {
  const [key, tag] =
    Object.entries(variant.properties ?? {}).find(([, child]) => child.const !== undefined) ?? []
  rows.push(
    `| \`${path}.${key}: ${String(tag?.const)}\` | section | | ${variant.description ?? ''} |`,
  )
  addChildren(rows, path, variant)
}

function isLeaf(node: Node): boolean {
  const rows: string[] = []
  addChildren(rows, '', node)
  return rows.length === 0
}

function withoutNull(node: Node): Node {
  return node.anyOf?.find((branch) => branch.type === 'object') ?? node
}

function describeMeaning(node: Node): string {
  if (node.description !== undefined) return node.description
  return node.anyOf?.find((branch) => branch.description !== undefined)?.description ?? ''
}

function describeDefault(node: Node): string {
  if (node.default === undefined || isEmptySection(node)) return ''
  if (node.default === null) return 'none'
  return `\`${JSON.stringify(node.default).replace(/^"|"$/g, '').replaceAll('"', '')}\``
}

function isEmptySection(node: Node): boolean {
  return node.type === 'object'
}

function describeKind(node: Node): string {
  if (node.anyOf !== undefined) {
    return node.anyOf
      .map((branch) => (branch.type === 'null' ? '`null`' : describeKind(branch)))
      .join(' or ')
  }
  if (node.enum !== undefined) return node.enum.map((word) => `\`${String(word)}\``).join(', ')
  if (node['x-limits'] !== undefined) return `duration, ${node['x-limits']}`
  if (node.type === 'array') return `list of ${describeItems(node.items)}`
  if (node.type === 'integer') return `whole number, ${node.minimum} to ${node.maximum}`
  if (node.type === 'number') return `number, ${node.minimum} to ${node.maximum}`
  if (node.type === 'boolean') return '`true`, `false`'
  return node.type === 'object' ? 'section' : 'text'
}

function describeItems(items: Node | undefined): string {
  if (items === undefined || items.oneOf !== undefined || items.type === 'object') return 'sections'
  return describeKind(items)
}

function providerManual(): string {
  const rows = PROVIDER_NAMES.map((name) => {
    const settings = presetSettings(name).map((setting) => `\`${describePreset(setting)}\``)
    return `| \`${name}\` | ${PROVIDER_PRESETS[name].title} | ${settings.join(', ')} |`
  })
  return `${PROVIDERS_PREFACE}${rows.join('\n')}\n`
}

function environmentManual(): string {
  const rows = Object.entries(ENVIRONMENT_VARIABLES).map(([name, row]) => {
    const { meaning, minimum, maximum, fallback } = row
    return `| \`${name}\` | ${meaning} | ${minimum} to ${maximum} | ${fallback} |`
  })
  const { name, meaning, defaultText } = NATIVE_SERVER_VARIABLE
  rows.push(`| \`${name}\` | ${meaning} | \`true\`, \`false\` | ${defaultText} |`)
  for (const row of PROXY_VARIABLES) {
    rows.push(`| \`${row.name}\` | ${row.meaning} Also in small letters, which win. | text | – |`)
  }
  return `${ENVIRONMENT_PREFACE}${rows.join('\n')}\n`
}
