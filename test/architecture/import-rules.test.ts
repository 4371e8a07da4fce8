/**
 * The import rules hold, and the checkers that say so have looked: a checker that sees no module
 * reports no violation either.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { REPOSITORY_ROOT, readRepositoryFile, sources } from './repository.ts'

const DEPENDENCY_CRUISER = 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'
const KNIP = 'node_modules/knip/bin/knip.js'
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024
const TIMEOUT_MS = 90_000

interface Cruise {
  readonly modules: ReadonlyArray<{ readonly source: string }>
  readonly summary: {
    readonly violations: ReadonlyArray<{
      readonly from: string
      readonly to: string
      readonly rule: { readonly name: string }
    }>
  }
}

interface KnipIssue {
  readonly name: string
}

/** What knip found in one file: a list under the name of each kind. */
interface Issue {
  readonly file: string
  readonly [kind: string]: string | readonly KnipIssue[]
}

interface KnipReport {
  readonly issues: readonly Issue[]
}

/** Runs a tool of node_modules and reads the JSON it prints. */
function report<T>(tool: string, folder: string, ...words: readonly string[]): T {
  // Coverage is of our code, not of the tools'.
  const { NODE_OPTIONS: _, ...env } = process.env
  const done = spawnSync(process.execPath, [join(REPOSITORY_ROOT, tool), ...words], {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout: TIMEOUT_MS,
  })
  assert.ok(done.stdout.startsWith('{'), `${tool} printed no report: ${done.stderr}`)
  return JSON.parse(done.stdout) as T
}

function cruise(folder: string): Cruise {
  const words = ['src', '--config', '.dependency-cruiser.cjs', '--output-type', 'json']
  return report<Cruise>(DEPENDENCY_CRUISER, folder, ...words)
}

/** `kind name (file)` of everything that knip found. */
function unusedIn({ issues }: KnipReport): readonly string[] {
  return issues.flatMap((issue) =>
    Object.entries(issue).flatMap(([kind, found]) =>
      typeof found === 'string' ? [] : found.map(({ name }) => `${kind} ${name} (${issue.file})`),
    ),
  )
}

/** A small repository under our own rules, with these files in it; gone after the test. */
function plant(context: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-import-rules-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['.dependency-cruiser.cjs', 'knip.json', 'tsconfig.json', 'package.json']) {
    cpSync(join(REPOSITORY_ROOT, name), join(folder, name))
  }
  symlinkSync(join(REPOSITORY_ROOT, 'node_modules'), join(folder, 'node_modules'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

/** One folder of each layer, from the ground up, and a neighbour where there is one. */
const LAYERS: ReadonlyArray<{ readonly folder: string; readonly neighbour: string | null }> = [
  { folder: 'protocol', neighbour: 'http' },
  { folder: 'observability', neighbour: 'resilience' },
  { folder: 'redis', neighbour: null },
  { folder: 'keys', neighbour: 'credentials' },
  { folder: 'verifiers', neighbour: 'proxy' },
  { folder: 'decision', neighbour: null },
  { folder: 'gateway', neighbour: null },
  { folder: 'server', neighbour: 'admin' },
  { folder: 'config', neighbour: null },
  { folder: 'threads', neighbour: null },
  { folder: 'listener', neighbour: 'supervisor' },
  { folder: 'demo', neighbour: null },
  { folder: 'cli', neighbour: null },
]

/** Only types are imported, because knowing a type is knowing the folder. */
function plantedLayers(): Record<string, string> {
  const files: Record<string, string> = {}
  LAYERS.forEach(({ folder, neighbour }, index) => {
    files[`src/${folder}/target.ts`] = 'export type Target = string\n'
    const above = LAYERS[index + 1]?.folder
    if (above !== undefined) {
      files[`src/${folder}/upward.ts`] =
        `import type { Target } from '../${above}/target.ts'\nexport type Up = Target\n`
    }
    if (neighbour !== null) {
      files[`src/${neighbour}/target.ts`] = 'export type Target = string\n'
      files[`src/${folder}/sideways.ts`] =
        `import type { Target } from '../${neighbour}/target.ts'\nexport type Side = Target\n`
    }
  })
  return files
}

/** Imported by the demo, and no part of an installation for production. */
const DEMO_VENDORS = ['oidc-provider']

function plantedElsewhere(vendors: readonly string[]): Record<string, string> {
  const imports = [...vendors, 'typescript'].map((name) => `import '${name}'`)
  return {
    'src/main.ts': "export type { Target } from './config/target.ts'\n",
    'src/http/impure.ts': "import 'node:fs'\n",
    'src/gateway/vendors.ts': imports.join('\n'),
    'src/gateway/chicken.ts': "import './egg.ts'\n",
    'src/gateway/egg.ts': "import './chicken.ts'\n",
    'src/gateway/lost.ts': "import './nowhere.ts'\n",
    'src/gateway/stranger.ts': "import '../unplanned/target.ts'\n",
    'src/unplanned/target.ts': 'export const target = 1\n',
    'src/gateway/tested.ts': "import '../../test/target.ts'\n",
    'test/target.ts': 'export const target = 1\n',
  }
}

describe('import rules', () => {
  it('hold for every source file, and the checker has seen every one', () => {
    const { modules, summary } = cruise(REPOSITORY_ROOT)
    const told = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)
    assert.deepEqual(told, [])
    const seen = new Set(modules.map(({ source }) => source))
    const unseen = sources.map(({ path }) => path).filter((path) => !seen.has(path))
    assert.deepEqual(unseen, [])
  })

  it('each report the violation that they exist for', (context) => {
    const configuration = createRequire(import.meta.url)(
      join(REPOSITORY_ROOT, '.dependency-cruiser.cjs'),
    ) as { forbidden: ReadonlyArray<{ name: string }> }
    const manifest = JSON.parse(readRepositoryFile('package.json').text) as {
      dependencies: Record<string, string>
      optionalDependencies: Record<string, string>
    }
    const dependencies = { ...manifest.dependencies, ...manifest.optionalDependencies }
    const vendors = [...Object.keys(dependencies), ...DEMO_VENDORS]
    const files = { ...plantedLayers(), ...plantedElsewhere(vendors) }
    const { summary } = cruise(plant(context, files))
    const reported = new Set(summary.violations.map(({ rule }) => rule.name))
    const silent = configuration.forbidden.map(({ name }) => name).filter((n) => !reported.has(n))
    assert.deepEqual(silent, [])
    // One rule for each layer but the last, each package, and those that are named in the plan.
    const rulesMin = LAYERS.length - 1 + vendors.length
    assert.ok(configuration.forbidden.length > rulesMin, 'rules are missing')
  })

  it('allow what they are not about', (context) => {
    const { modules, summary } = cruise(
      plant(context, {
        'src/main.ts': "import { gateway } from './gateway/gateway.ts'\ngateway()\n",
        'src/gateway/gateway.ts':
          "import { digest } from '../protocol/digest.ts'\nexport const gateway = digest\n",
        'src/protocol/digest.ts':
          "import { hash } from 'node:crypto'\nexport const digest = () => hash('sha256', '')\n",
      }),
    )
    assert.deepEqual(summary.violations, [])
    assert.ok(modules.length >= 3)
  })
})

describe('dead code', () => {
  it('is nowhere: no unused file, export or package', () => {
    const found = unusedIn(report<KnipReport>(KNIP, REPOSITORY_ROOT, '--reporter', 'json'))
    assert.deepEqual(found, [])
  })

  it('is noticed when there is some', (context) => {
    const folder = plant(context, {
      'src/main.ts': "import { used } from './used.ts'\nused()\n",
      'src/used.ts': 'export const used = () => 1\nexport const unused = () => 2\n',
      'src/dead.ts': 'export const dead = 1\n',
    })
    const found = unusedIn(report<KnipReport>(KNIP, folder, '--reporter', 'json'))
    for (const expected of [
      'exports unused (src/used.ts)',
      'files src/dead.ts (src/dead.ts)',
      'dependencies zod (package.json)',
    ]) {
      assert.ok(found.includes(expected), `${expected} is not among:\n${found.join('\n')}`)
    }
    assert.ok(!found.some((name) => name.includes(' used ')), found.join('\n'))
  })
})
