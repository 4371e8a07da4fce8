/**
 * Import rules, in the order of docs/architecture.md: which folder may know which, and which file
 * may know a vendor. Run by `npm run check:architecture`; test/architecture/import-rules.test.ts
 * plants a violation of every rule here and expects it to be reported.
 */

/** Folders from the ground up: a folder imports only itself and folders of earlier rows. */
const LAYERS = [
  ['protocol', 'http', 'runtime'],
  ['observability', 'resilience', 'shared-memory'],
  ['redis'],
  [
    ...['tenants', 'credentials', 'keys', 'token-cache', 'revocation', 'identity', 'routing'],
    'rate-limit',
  ],
  ['verifiers', 'proxy'],
  ['decision'],
  ['gateway'],
  ['server', 'admin'],
  ['config'],
  ['threads'],
  ['listener', 'supervisor'],
  ['demo'],
  ['cli'],
]

/** What reads the configuration, composes from it, or tells of it. */
const KNOW_THE_CONFIGURATION = ['config', 'threads', 'listener', 'supervisor', 'demo', 'cli']

const anyOf = (names) => `(${names.join('|')})`

/** Each runtime package and the only files that may import it: replacing one stays a small job. */
const VENDOR_DOORS = {
  '@node-rs/jsonwebtoken': 'src/verifiers/jwt/rust-binding\\.ts',
  ioredis: 'src/redis/redis-transport\\.ts',
  koffi: 'src/server/socket-calls\\.ts',
  'oidc-provider': 'src/demo/identity-provider\\.ts',
  pino: 'src/observability/logger\\.ts',
  piscina: 'src/verifiers/jwt/signature-pool\\.ts',
  'prom-client': 'src/observability/exposition\\.ts',
  'uWebSockets.js': 'src/server/native-binary\\.ts',
  undici: 'src/resilience/http-client\\.ts',
  yaml: 'src/config/yaml-document\\.ts',
  zod: 'src/config/setting\\.ts',
}

/** Where a thread, the demonstration or a script starts: found by path, never imported. */
const ENTRIES = `^src/${anyOf([
  'main',
  'listener/listener-thread',
  'verifiers/jwt/signature-worker',
  'demo/demo',
  'admin/page/page',
  'cli/generate-docs',
])}\\.ts$`

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const layerRules = LAYERS.slice(0, -1).map((folders, index) => ({
  name: `layers-point-one-way-${folders[0]}`,
  comment: 'A lower layer must not know who uses it.',
  severity: 'error',
  from: { path: `^src/${anyOf(folders)}/` },
  to: { path: `^src/(${anyOf(LAYERS.slice(index + 1).flat())}/|main\\.ts$)` },
}))

const siblingRules = LAYERS.filter((folders) => folders.length > 1).map((folders) => ({
  name: `siblings-are-strangers-${folders[0]}`,
  comment: 'Folders of one layer meet in the layer below, never in each other.',
  severity: 'error',
  from: { path: `^src/${anyOf(folders)}/` },
  to: { path: `^src/${anyOf(folders)}/`, pathNot: '^src/$1/' },
}))

const vendorRules = Object.entries(VENDOR_DOORS).map(([vendor, door]) => ({
  name: `one-door-${vendor.replace(/[^a-z0-9]+/gi, '-').replace(/^-/, '')}`,
  comment: `Only ${door} may import ${vendor}.`,
  severity: 'error',
  from: { path: '^src/', pathNot: `^${door}$` },
  to: { path: `(^|/)node_modules/${escaped(vendor)}/` },
}))

module.exports = {
  forbidden: [
    ...layerRules,
    ...siblingRules,
    {
      name: 'protocol-is-pure',
      comment:
        'What the RFCs say needs no I/O, no clock and no vendor; hashing and UTF-8 are arithmetic.',
      severity: 'error',
      from: { path: '^src/protocol/' },
      to: { pathNot: '^(src/protocol/|(node:)?(crypto|buffer)$)' },
    },
    {
      name: 'http-is-pure',
      comment: 'Rules of HTTP need no I/O either; ranges of addresses are arithmetic.',
      severity: 'error',
      from: { path: '^src/http/' },
      to: { pathNot: '^src/http/' },
    },
    {
      name: 'few-know-the-configuration',
      comment:
        'Who is composed names the options that it takes; only what composes knows where they ' +
        'come from.',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/${anyOf(KNOW_THE_CONFIGURATION)}/` },
      to: { path: '^src/config/' },
    },
    {
      name: 'every-folder-has-a-layer',
      comment: 'A new folder takes its place in LAYERS before anything may import it.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^src/[^/]+/', pathNot: `^src/${anyOf(LAYERS.flat())}/` },
    },
    ...vendorRules,
    {
      name: 'every-vendor-has-a-door',
      comment: 'A new runtime package takes its place in VENDOR_DOORS.',
      severity: 'error',
      from: { path: '^src/' },
      to: {
        dependencyTypes: [
          'npm',
          'npm-dev',
          'npm-optional',
          'npm-peer',
          'npm-no-pkg',
          'npm-unknown',
        ],
        pathNot: `(^|/)node_modules/(@types/)?${anyOf(Object.keys(VENDOR_DOORS).map(escaped))}/`,
      },
    },
    {
      name: 'no-cycles',
      comment: 'Modules that need each other are one module.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-dead-modules',
      comment: 'Every module is reached from where a thread starts; a test alone keeps none alive.',
      severity: 'error',
      from: { path: ENTRIES },
      to: { path: '^src/.*\\.ts$', pathNot: [ENTRIES, '\\.d\\.ts$'], reachable: false },
    },
    {
      name: 'sources-do-not-know-their-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|native-bench|loadtest|scripts|build|dist)/' },
    },
    {
      name: 'no-unresolvable-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    // A type import is knowledge too: a layer that names a type of a later one depends on it.
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}
