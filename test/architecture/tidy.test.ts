/** House rules that need no judgement, kept by a program so that reviews can be about the rest. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import {
  compiledFiles,
  offendingLines,
  projectFiles,
  REPOSITORY_ROOT,
  readRepositoryFile,
  type SourceFile,
  sources,
  withoutComments,
} from './repository.ts'

const SOURCE_FILES_MIN = 150
const LINES_MAX = 400
const COLUMNS_MAX = 100
/** For a line that the formatter has left long, because a text in it cannot be broken. */
const TEXT_COLUMNS_MAX = 120

/** Ratchets: these numbers may only fall. */
const LINT_DISABLES_MAX = 1
const RUNTIME_DEPENDENCIES_MAX = 9
/** With all that they bring; without packages that an installation can do without. */
const PRODUCTION_PACKAGES_MAX = 32

interface Door {
  readonly what: string
  readonly used: RegExp
  readonly files: readonly string[]
}

/** Each of these is hidden input: one file may read it, the rest are handed what they need. */
const DOORS: readonly Door[] = [
  {
    what: 'the wall clock and the monotonic clock',
    used: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b|\bprocess\.hrtime\b/,
    files: ['src/runtime/clock.ts'],
  },
  {
    // Writing is allowed: it is how the native server is told its limit.
    what: 'the environment',
    used: /\bprocess\.env\b(?!\['\w+'\] = )/,
    files: ['src/config/environment.ts'],
  },
  {
    what: 'the console and the standard streams',
    used: /\bconsole\.|\bprocess\.(stdout|stderr)\b/,
    files: ['src/observability/standard-output.ts'],
  },
  {
    // Import rules do not see what is loaded so.
    what: 'packages that are loaded by name, or when they are needed',
    used: /\bcreateRequire\(/,
    files: [
      'src/redis/redis-transport.ts',
      'src/resilience/http-client.ts',
      'src/server/native-binary.ts',
      'src/server/socket-calls.ts',
      'src/verifiers/jwt/rust-binding.ts',
    ],
  },
  {
    what: 'randomness',
    used: /\bMath\.random\b|\brandom(Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b/,
    files: ['src/runtime/randomness.ts'],
  },
  {
    // It misreads some names in one version, and keeps one of two members of one name in all. The
    // script of the live page reads what its own gateway wrote, in a browser.
    what: 'JSON',
    used: /\bJSON\.parse\b|\.json\(\)/,
    files: ['src/protocol/strict-json.ts', 'src/admin/page/admin-client.ts'],
  },
]

const BANNED_WORDS = new Set([
  ...['util', 'utils', 'helper', 'helpers', 'manager', 'handler', 'data', 'info', 'common'],
  ...['misc', 'index', 'shared', 'lib', 'types', 'auth'],
])

function hasBannedName(path: string): boolean {
  const name = basename(path).replace(/\..*$/, '')
  if (BANNED_WORDS.has(name)) return true
  return ['util', 'helper', 'manager', 'handler', 'misc'].some((word) =>
    name.split('-').some((part) => part === word || part === `${word}s`),
  )
}

/**
 * Words of a dialect that a stranger has to decode, with how often they still stand in `src/`:
 * check, verify or parse for "judge"; a problem for a "complaint"; a result for a "finding"; no
 * riddles by pronoun. The numbers may only fall.
 */
const WORDS_MAX: Readonly<Record<string, number>> = {
  judg: 1,
  complain: 0,
  finding: 0,
  nobody: 0,
  whoever: 0,
  mourn: 0,
  inquiry: 0,
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly engines: Readonly<Record<string, string>>
  /** Absent in the lock file. */
  readonly scripts?: Readonly<Record<string, string>>
}

const manifest = JSON.parse(readRepositoryFile('package.json').text) as Manifest
const scripts = manifest.scripts ?? {}

interface LockedPackage {
  readonly dev?: boolean
  readonly optional?: boolean
  readonly hasInstallScript?: boolean
}

interface LockFile {
  readonly packages: { readonly '': LockedPackage & Manifest } & Readonly<
    Record<string, LockedPackage>
  >
}

const documents = projectFiles.filter(({ path }) => path.endsWith('.md'))

describe('the words of the sources', () => {
  const text = sources.map((source) => source.text).join('\n')
  for (const [word, most] of Object.entries(WORDS_MAX)) {
    it(`say "${word}…" no more often than before`, () => {
      const count = text.match(new RegExp(`\\b${word}\\w*`, 'gi'))?.length ?? 0
      assert.ok(count <= most, `${count} times, at most ${most}`)
      assert.ok(count >= most - 10, `only ${count} times: lower the number in WORDS_MAX`)
    })
  }
})

describe('what the rules look at', () => {
  it('is real files, so that a moved folder cannot make every rule pass', () => {
    assert.ok(sources.length >= SOURCE_FILES_MIN, `only ${sources.length} source files found`)
    assert.ok(compiledFiles.length > sources.length, 'no test files found')
    assert.ok(documents.length >= 3, `only ${documents.length} documents found`)
    for (const folder of [
      'protocol',
      'keys',
      'verifiers/jwt',
      'proxy',
      'server',
      'listener',
      'supervisor',
    ]) {
      const inFolder = sources.filter(({ path }) => path.startsWith(`src/${folder}/`))
      assert.ok(inFolder.length > 0, `src/${folder} is empty or has moved`)
    }
  })

  it('sees code behind comments, and no code in comments', () => {
    const text = 'a() // Date.now()\n/* Date.now()\n * Date.now() */ b()\n"http://c"'
    const lines = withoutComments({ path: 'x.ts', text, lines: text.split('\n') })
    assert.deepEqual(
      lines.map((line) => line.trim()),
      ['a()', '', 'b()', '"http://c"'],
    )
  })
})

describe('the shape of a file', () => {
  it('is short enough to review in one sitting', () => {
    const long = compiledFiles
      .filter(({ lines }) => lines.length > LINES_MAX + 1)
      .map(({ path, lines }) => `${path}: ${lines.length} lines`)
    assert.deepEqual(long, [])
  })

  it('fits two side by side on a screen', () => {
    // Configurations of other programs are quoted as they have to be.
    const ours = compiledFiles.filter(({ path }) => !path.startsWith('loadtest/peers/'))
    const isTooLong = (line: string) =>
      line.length > (/^\s*(\/\/|\/?\*)/.test(line) ? COLUMNS_MAX : TEXT_COLUMNS_MAX)
    assert.deepEqual(offendingLines(ours, isTooLong), [])
  })

  it('starts with its purpose, unless the titles of tests say it', () => {
    const silent = compiledFiles
      .filter(({ path }) => !path.endsWith('.test.ts'))
      .filter(({ text }) => !/^((#!|\/\/ oxlint-|\/\/\/ ).*\n)*\/(\*\*?|\/)[\s*]*[A-Z`]/.test(text))
      .map(({ path }) => path)
    assert.deepEqual(silent, [])
  })

  it('has a name that says what it holds', () => {
    const vague = compiledFiles.filter(({ path }) => hasBannedName(path)).map(({ path }) => path)
    assert.deepEqual(vague, [])
  })

  it('exports by name, and re-exports nothing', () => {
    const isBarrelOrDefault = (line: string) =>
      /^export default\b|^export \* |^export (type )?\{[^}]*\} from\b/.test(line)
    assert.deepEqual(offendingLines(compiledFiles, isBarrelOrDefault, withoutComments), [])
  })

  it('imports its neighbours by the name of the source', () => {
    const isRelativeWithoutSuffix = (line: string) =>
      /\b(from|import)\s*\(?\s*['"]\.{1,2}\/[^'"]*(?<!\.ts)['"]/.test(line)
    assert.deepEqual(offendingLines(compiledFiles, isRelativeWithoutSuffix, withoutComments), [])
  })
})

describe('hidden input', () => {
  for (const door of DOORS) {
    it(`lets only one file read ${door.what}`, () => {
      const outside = sources.filter(({ path }) => !door.files.includes(path))
      const uses = offendingLines(outside, (line) => door.used.test(line), withoutComments)
      assert.deepEqual(uses, [])
    })

    it(`still finds ${door.what} behind its door`, () => {
      const behind = sources.filter(({ path }) => door.files.includes(path))
      const uses = offendingLines(behind, (line) => door.used.test(line), withoutComments)
      assert.ok(uses.length > 0, `${door.files.join(', ')} does not use it: has the door moved?`)
    })
  }
})

describe('key pairs', () => {
  // Node 20 can deadlock where the key object that a generator returns is exported, which lasts
  // for ever; these ask for text.
  const generators = [
    'src/demo/identity-provider.ts',
    'src/identity/signing-key.ts',
    'test/support/generated-key.ts',
  ]

  it('are generated in few places, each as text', () => {
    const uses = compiledFiles.filter(({ path, text }) => {
      return !path.startsWith('test/architecture/') && /\bgenerateKeyPair/.test(text)
    })
    assert.deepEqual(uses.map(({ path }) => path).sort(), generators)
    for (const { path, text } of uses) {
      assert.match(text, /privateKeyEncoding: \{ type: 'pkcs8', format: 'pem' \}/, path)
    }
  })
})

describe('ratchets', () => {
  it('has no more disabled lint rules than before, and a reason beside each', () => {
    const disables = offendingLines(compiledFiles, (line) =>
      /(biome-ignore|oxlint-disable|eslint-disable|@ts-ignore|@ts-expect-error|@ts-nocheck)/.test(
        line.replace(/\/\(.*\)\//, ''),
      ),
    )
    assert.ok(disables.length <= LINT_DISABLES_MAX, disables.join('\n'))
    const unexplained = disables.filter((line) => !/(:|--) \S+/.test(line.replace(/^\S+ /, '')))
    assert.deepEqual(unexplained, [])
  })

  it('ships no more packages than before, each pinned to one version', () => {
    const names = Object.keys(manifest.dependencies)
    assert.ok(names.length <= RUNTIME_DEPENDENCIES_MAX, `${names.length}: ${names.join(', ')}`)
    const loose = Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    })
      .filter(([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+$/.test(version))
      .map(([name, version]) => `${name}: ${version}`)
    assert.deepEqual(loose, [])
  })

  it('installs few packages in production, and none for the demo alone', () => {
    const lock = JSON.parse(readRepositoryFile('package-lock.json').text) as LockFile
    const names = Object.entries(lock.packages)
      .filter(([path, { dev, optional }]) => path !== '' && !dev && !optional)
      .map(([path]) => path.replace('node_modules/', ''))
    assert.ok(names.length <= PRODUCTION_PACKAGES_MAX, `${names.length}: ${names.join(', ')}`)
    assert.ok(names.includes('undici') && !names.includes('oidc-provider'), names.join(', '))
  })

  it('locks what it asks for, so that an installation has nothing to change', () => {
    const lock = JSON.parse(readRepositoryFile('package-lock.json').text) as LockFile
    const { dependencies, devDependencies, optionalDependencies, engines, hasInstallScript } =
      lock.packages['']
    assert.deepEqual(dependencies, manifest.dependencies)
    assert.deepEqual(devDependencies, manifest.devDependencies)
    assert.deepEqual(optionalDependencies, manifest.optionalDependencies)
    assert.deepEqual(engines, manifest.engines)
    assert.equal(hasInstallScript ?? false, 'postinstall' in scripts)
  })

  it('leaves no work to be done without the number under which it is known', () => {
    // Spelled in pieces, so that this file does not offend against its own rule.
    const marker = new RegExp(`\\b(${'TO'}DO|${'FIX'}ME)\\b(?! ?\\(?#\\d+)`)
    assert.deepEqual(
      offendingLines(compiledFiles, (line) => marker.test(line)),
      [],
    )
  })
})

describe('a project that stands alone', () => {
  // Spelled in pieces, so that this file does not offend against its own rule.
  const strange: ReadonlyArray<readonly [string, RegExp]> = [
    [
      'a package registry by host',
      new RegExp(`(?<![#.\\w])${'regi' + 'stry'}\\.[a-z-]+\\.|npm${'js'}\\.`),
    ],
    ['a folder of one machine', new RegExp(`(^|[\\s'"\`(=:])/(${'wo' + 'rk'}|tmp|root|home)/`)],
    ['a folder outside the repository', new RegExp(`\\.\\./${'sha' + 'red'}(?!-memory)\\b`)],
  ]

  for (const [what, pattern] of strange) {
    it(`names no ${what.replace(/^an? /, '')}`, () => {
      assert.deepEqual(
        offendingLines(projectFiles, (line) => pattern.test(line)),
        [],
      )
    })
  }
})

describe('documents', () => {
  /** Targets of Markdown links that point into the repository, without their fragment. */
  function relativeLinks({ text }: SourceFile): readonly string[] {
    const prose = text.replace(/```[\s\S]*?```/g, '')
    return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
      .map((match) => (match[1] ?? '').replace(/#.*$/, ''))
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
  }

  it('link only to files that exist', () => {
    const dead = documents.flatMap((document) =>
      relativeLinks(document)
        .filter((target) => !existsSync(join(REPOSITORY_ROOT, dirname(document.path), target)))
        .map((target) => `${document.path}: ${target}`),
    )
    assert.deepEqual(dead, [])
  })

  it('tell only commands that exist', () => {
    const builtIn = new Set(['install', 'ci', 'prune', 'pack'])
    const told = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm (?:run )?([a-z][a-z:-]*)/g)].map((match) => ({
        path,
        name: match[1] ?? '',
      })),
    )
    assert.ok(told.length >= 3, 'the documents name no command: has the README moved?')
    const unknown = told
      .filter(({ name }) => !builtIn.has(name) && !(name in scripts))
      .map(({ path, name }) => `${path}: npm run ${name}`)
    assert.deepEqual(unknown, [])
  })

  it('name only source files and folders that exist', () => {
    const dead = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/`((?:src|test|docs|scripts|native-bench|loadtest)\/[a-z0-9./-]+)`/g)]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(REPOSITORY_ROOT, target)))
        .map((target) => `${path}: ${target}`),
    )
    assert.deepEqual(dead, [])
  })
})
