/**
 * A default is told once: leaving a setting out means what the manual and the schema say, and no
 * part of the gateway has a default of its own for something that is a setting.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ENVIRONMENT_VARIABLES } from '../../src/config/environment.ts'
import type { Environment } from '../../src/config/interpolate.ts'
import { configurationJsonSchema } from '../../src/config/schema.ts'
import { parseText } from '../support/configuration-text.ts'
import { readRepositoryFile, sources } from './repository.ts'

/** As much of JSON Schema as the settings use. */
interface Node {
  readonly type?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Node>>
  readonly additionalProperties?: Node | boolean
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly oneOf?: readonly Node[]
}

type Document = Record<string, unknown>

const SCHEMA = configurationJsonSchema() as Node

const DIRECTORY = mkdtempSync(join(tmpdir(), 'sallyport-defaults-'))
const HEADER_FILE = join(DIRECTORY, 'header')
writeFileSync(HEADER_FILE, 'secret')
after(() => rmSync(DIRECTORY, { recursive: true }))

/** Only what has no default, in every section and in every kind of entry that there is. */
function leastOfEverything(): Document {
  return {
    redis: { tls: {} },
    issuers: {
      main: {
        issuer: 'https://idp.example.com/',
        audiences: ['api'],
        jwks: {
          uri: 'https://idp.example.com/keys',
          headers: { Authorization: { file: HEADER_FILE } },
        },
        introspection: {
          endpoint: 'https://idp.example.com/introspect',
          clientId: 'gateway',
          clientSecret: 'secret',
        },
      },
      tenants: {
        issuer: 'https://login.example.com/{tenant}',
        issuerValues: { claim: 'tid', values: ['acme'] },
        audiences: ['api'],
        jwks: { uri: 'https://login.example.com/keys' },
      },
    },
    sessions: {},
    health: {},
    decision: { trustedPeers: ['127.0.0.1'] },
    apiKeys: { keys: [{ sha256: 'a'.repeat(64), userId: 'machine', rateLimit: { rate: '1/s' } }] },
    tenants: {
      resolve: [
        { from: 'subdomain', pattern: '{tenant}.example.com' },
        { from: 'path', pattern: '/tenants/{tenant}/*' },
        { from: 'header' },
        { from: 'claim' },
      ],
      registry: { acme: { rateLimit: { rate: '1/s' } } },
    },
    identity: {
      headers: { custom: { 'X-Department': { path: '/department' } } },
      internalToken: { keySecret: 's'.repeat(32), previousSecrets: [previousSecret()] },
    },
    logging: { webhook: { url: 'https://siem.example.com/', secret: 's'.repeat(16) } },
    rateLimits: { every: everyLimit() },
    upstreams: { users: { targets: ['http://127.0.0.1:9500'] } },
    routes: [
      { name: 'plain', match: { path: '/plain' }, upstream: 'users' },
      {
        name: 'full',
        match: { path: '/full' },
        upstream: 'users',
        require: { claims: [{ claim: 'email', equals: 'a@example.com' }] },
        credentials: [
          { from: 'header' },
          { from: 'cookie', name: 'token' },
          { from: 'query', name: 'token' },
        ],
        loginRedirect: { url: 'https://login.example.com/' },
        cors: { origins: ['https://app.example.com'] },
        authenticate: ['jwt', 'apiKey'],
        apiKeyPlaces: [{ from: 'header' }],
      },
    ],
  }
}

function everyLimit(): Document {
  const rate = { rate: '1/s' }
  const lock = { threshold: 3, lockout: '1m' }
  return {
    perAddress: rate,
    perUsername: rate,
    perTenant: rate,
    perKey: rate,
    global: rate,
    validation: rate,
    failures: { perAddress: lock, perUsername: lock },
  }
}

function previousSecret(): Document {
  return { secret: 'p'.repeat(32) }
}

function parse(document: Document, environment: Environment = {}): unknown {
  return parseText(JSON.stringify(document), { environment })
}

/** The path of each default in the schema, as the manual writes it, and the node that has it. */
const DEFAULTS: ReadonlyMap<string, Node> = new Map(settingsBelow('', SCHEMA))

function settingsBelow(path: string, outer: Node): (readonly [string, Node])[] {
  const node = withoutNull(outer)
  const named = node.additionalProperties
  return [
    ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
      const at = path === '' ? key : `${path}.${key}`
      const own = 'default' in child ? [[at, child] as const] : []
      return [...own, ...settingsBelow(at, child)]
    }),
    ...(typeof named === 'object' ? settingsBelow(`${path}.<name>`, named) : []),
    ...(node.items?.oneOf ?? (node.items ? [node.items] : [])).flatMap((item) =>
      settingsBelow(`${path}[]`, item),
    ),
  ]
}

function withoutNull(node: Node): Node {
  return node.anyOf?.find(({ type }) => type === 'object' || type === 'array') ?? node
}

/** Writes every default that the schema has into what a document leaves out. */
function writeDefaults(path: string, value: unknown, outer: Node, written: Set<string>): unknown {
  const node = withoutNull(outer)
  if (Array.isArray(value)) {
    return value.map((item: unknown) =>
      writeDefaults(`${path}[]`, item, variantOf(node, item), written),
    )
  }
  if (typeof value !== 'object' || value === null) return value
  const copy: Document = { ...value }
  for (const [key, child] of childrenOf(node, copy)) {
    const at = [path, typeof node.additionalProperties === 'object' ? '<name>' : key]
      .filter((step) => step !== '')
      .join('.')
    if ('default' in child) {
      written.add(at)
      copy[key] ??= structuredClone(child.default)
    }
    if (key in copy) copy[key] = writeDefaults(at, copy[key], child, written)
  }
  return copy
}

/** The settings of a section; or the entries of a mapping by name. */
function childrenOf(node: Node, value: Document): (readonly [string, Node])[] {
  const entry = node.additionalProperties
  if (typeof entry === 'object') return Object.keys(value).map((name) => [name, entry] as const)
  return Object.entries(node.properties ?? {})
}

function variantOf({ items }: Node, item: unknown): Node {
  const from = typeof item === 'object' && item !== null && 'from' in item ? item.from : null
  const variant = items?.oneOf?.find(({ properties }) => properties?.['from']?.const === from)
  return variant ?? items ?? {}
}

const MANUAL_LINES = readRepositoryFile('docs/configuration.md').text.split('\n')

/** The cells of each row of the manual, by what is in the first one. */
const MANUAL: ReadonlyMap<string, readonly string[]> = new Map(
  MANUAL_LINES.filter((line) => line.startsWith('| `'))
    .map(cellsOf)
    .map(([name = '', ...cells]) => [name.replaceAll('`', '').trim(), cells]),
)

function cellsOf(row: string): readonly string[] {
  return row.slice(1, -1).split(/(?<!\\)\|/)
}

describe('The default of a setting', () => {
  it('is in the manual as it is in the schema', () => {
    assert.ok(DEFAULTS.size > 130, `only ${DEFAULTS.size} defaults`)
    for (const [path, node] of DEFAULTS) {
      // A section of the file has a heading in place of a row.
      if (!MANUAL.has(path) && MANUAL_LINES.includes(`## ${path}`)) continue
      const cell = node.type === 'object' ? '' : cellOf(node.default)
      // A setting may be in several rows: once for each kind of its section.
      const rows = MANUAL_LINES.filter((line) => line.startsWith(`| \`${path}\` |`))
      assert.ok(
        rows.some((row) => cellsOf(row)[2]?.trim() === cell),
        `${path} has not the default ${cell} in ${rows.join('\n')}`,
      )
    }
  })

  it('is what the setting is when it is left out', () => {
    const least = leastOfEverything()
    const written = new Set<string>()
    const full = writeDefaults('', least, SCHEMA, written) as Document
    assert.deepEqual(
      [...DEFAULTS.keys()].filter((path) => !written.has(path)),
      [],
    )
    assert.notDeepEqual(full, least)
    assert.deepEqual(parse(full), parse(least))
  })

  it('is what the manual says where it depends on other settings', () => {
    for (const format of ['sallyport', 'express-session']) {
      const secrets = format === 'express-session' ? ['secret'] : []
      const least = { ...leastOfEverything(), sessions: { format, secrets } }
      for (const setting of ['cookie', 'keyHash', 'ttl', 'absoluteTtl']) {
        const value = leftOut(`sessions.${setting}`, format)
        if (value === null) continue
        const full = { ...least, sessions: { format, secrets, [setting]: value } }
        assert.deepEqual(parse(full), parse(least), `${setting} of ${format}`)
      }
    }
    const sizeMiB = Number(/Left out: (\d+)/.exec(MANUAL.get('cache.sizeMiB')?.[2] ?? '')?.[1])
    const least = leastOfEverything()
    assert.deepEqual(parse({ ...least, cache: { sizeMiB } }), parse(least))
  })

  it('is what the manual says for every environment variable', () => {
    const least = parse(leastOfEverything())
    let count = 0
    for (const name of Object.keys(ENVIRONMENT_VARIABLES)) {
      const value = /^\d+/.exec(MANUAL.get(name)?.[2]?.trim() ?? '')?.[0]
      if (value === undefined) continue
      count += 1
      assert.deepEqual(parse(leastOfEverything(), { [name]: value }), least, name)
    }
    // All but the numbers of threads, which depend on the machine.
    assert.equal(count, Object.keys(ENVIRONMENT_VARIABLES).length - 2)
  })

  it('is told nowhere outside the configuration', () => {
    const names = new Set(memberNames(parse(leastOfEverything())))
    assert.ok(names.has('ejectAfterFailures') && names.has('connectTimeoutMs'))
    const told = sources
      .filter(({ path }) => path.startsWith('src/') && !path.startsWith('src/config/'))
      .flatMap(({ path, text }) => defaultsIn(text).map((about) => [path, about] as const))
    assert.ok(told.length > 0, 'no constant is called a default any more')
    const twice = told.filter(([, about]) => about.some((name) => names.has(name)))
    assert.deepEqual(twice, [])
  })

  it('is noticed when a part of the gateway tells it, too', () => {
    const planted = [
      'export const POOL_DEFAULTS = {\n  ejectAfterFailures: 5,\n  // Why.\n  other: 1,\n}\n',
      'const REVOCATION_CAPACITY_DEFAULT = 262_144\n',
    ].flatMap(defaultsIn)
    assert.deepEqual(planted, [
      ['ejectAfterFailures'],
      ['other'],
      ['revocationCapacity', 'capacity'],
    ])
  })
})

function cellOf(value: unknown): string {
  if (value === null) return 'none'
  return `\`${JSON.stringify(value).replaceAll('"', '')}\``
}

/** What the manual says a setting of sessions is when it is left out; `null`: not one value. */
function leftOut(path: string, format: string): string | null {
  const meaning = MANUAL.get(path)?.[2] ?? ''
  const [, usual, other] =
    /Left out: `([^`]+)`(?:, or `([^`]+)` for\s+`express-session`)?/.exec(meaning) ?? []
  assert.ok(usual !== undefined, `the manual does not say what ${path} is when it is left out`)
  return format === 'sallyport' ? usual : (other ?? null)
}

/** Names of members anywhere in a configuration. */
function memberNames(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  if (Array.isArray(value)) return value.flatMap(memberNames)
  return Object.entries(value).flatMap(([name, member]) => [name, ...memberNames(member)])
}

/**
 * What the constants of a text that are called `…_DEFAULT` or `…_DEFAULTS` are about: the names
 * that a setting of the same would have.
 */
function defaultsIn(text: string): readonly (readonly string[])[] {
  const several = [...text.matchAll(/const [A-Z0-9_]+_DEFAULTS\b[^{]*\{\n([\s\S]*?)\n\}/g)]
  const members = several.flatMap(([, body = '']) =>
    [...body.matchAll(/^ {2}([A-Za-z]+):/gm)].map(([, name = '']) => [name]),
  )
  const single = [...text.matchAll(/const ([A-Z0-9_]+)_DEFAULT\b/g)]
  return [...members, ...single.map(([, name = '']) => endingsOf(name.toLowerCase().split('_')))]
}

/** `revocationCapacity`, `capacity`: a constant is named more fully than the setting. */
function endingsOf(words: readonly string[]): readonly string[] {
  return words.map((_, index) => {
    const [first = '', ...rest] = words.slice(index)
    return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
  })
}
