/** What is fuzzed: one file of test/fuzz a target, whose seeds are in test/fuzz/corpus. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the file of a target exports. */
interface TargetModule {
  /**
   * Throws when what is promised of the gateway's code does not hold for the input. Jazzer.js takes
   * the same function.
   *
   * @returns What became of the input, in a word.
   */
  readonly fuzz: (input: Uint8Array) => string
  /** Pieces of which inputs are made. */
  readonly dictionary: readonly string[]
}

export interface FuzzTarget extends Pick<TargetModule, 'fuzz'> {
  readonly name: string
  readonly dictionary: readonly Uint8Array[]
}

export interface Seed {
  /** The attack that it is. */
  readonly name: string
  readonly input: Uint8Array
}

const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
const CORPUS = join(REPOSITORY, 'test', 'fuzz', 'corpus')
/** Inputs that long runs found worth keeping, for the next one. Not under version control. */
const FOUND = join(REPOSITORY, 'build', 'fuzz')

/** Names of the targets: each has a file, compiled beside the folder of this one. */
export function targetNames(): readonly string[] {
  return readdirSync(join(import.meta.dirname, '..'))
    .filter((name) => name.endsWith('.js') && !name.endsWith('.test.js'))
    .map((name) => basename(name, '.js'))
    .sort()
}

/** Loads the code of a target, and with it what it tests. */
export async function loadTarget(name: string): Promise<FuzzTarget> {
  const module = (await import(new URL(`../${name}.js`, import.meta.url).href)) as TargetModule
  const dictionary = module.dictionary.map((piece) => Buffer.from(piece, 'latin1'))
  return { name, fuzz: module.fuzz, dictionary }
}

/** The seeds under version control. */
export function readSeeds(target: string): readonly Seed[] {
  return readFolder(join(CORPUS, target))
}

/** What earlier long runs on this machine kept. */
export function readKept(target: string): readonly Seed[] {
  mkdirSync(join(FOUND, target), { recursive: true })
  return readFolder(join(FOUND, target))
}

export function writeKept(target: string, input: Uint8Array): void {
  writeFileSync(join(FOUND, target, digest(input)), input)
}

/** Puts what broke a target where every build tries it again. @returns The file. */
export function writeReproducer(target: string, input: Uint8Array): string {
  const file = join(CORPUS, target, `found-${digest(input)}`)
  mkdirSync(join(CORPUS, target), { recursive: true })
  writeFileSync(file, input)
  return file
}

function digest(input: Uint8Array): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 16)
}

function readFolder(folder: string): readonly Seed[] {
  const names = readdirSync(folder).sort()
  return names.map((name) => ({ name, input: readFileSync(join(folder, name)) }))
}
