/** The repository as the architecture tests see it: real files, wherever this was compiled to. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
}

/** What is made, fetched or the business of git: everything else in the tree is the project. */
const NOT_OURS = new Set(['.git', 'node_modules', 'dist', 'build', 'coverage'])

/** Files that are not text of this project's making; rules about wording do not apply to them. */
const NOT_PROSE = new Set(['package-lock.json', 'LICENSE'])

const FILE_BYTES_MAX = 2_000_000

function findRoot(start: string): string {
  let folder = start
  while (!readdirSync(folder).includes('package-lock.json')) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error(`no repository above ${start}`)
    folder = parent
  }
  return folder
}

/** Absolute path of the folder that holds package.json. */
export const REPOSITORY_ROOT = findRoot(import.meta.dirname)

function walk(folder: string, found: string[]): string[] {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name) || entry.name.endsWith('.log')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(path, found)
    else if (entry.isFile() && statSync(path).size <= FILE_BYTES_MAX) found.push(path)
  }
  return found
}

/** A file of the repository by its relative path. */
export function readRepositoryFile(path: string): SourceFile {
  const text = readFileSync(join(REPOSITORY_ROOT, path), 'utf8')
  return { path, text, lines: text.split('\n') }
}

/** Every text file of the project. */
export const projectFiles: readonly SourceFile[] = walk(REPOSITORY_ROOT, [])
  .map((path) => relative(REPOSITORY_ROOT, path))
  .filter((path) => !NOT_PROSE.has(path))
  .sort()
  .map(readRepositoryFile)
  .filter((file) => !file.text.includes('\0'))

/** TypeScript below one of these folders. */
export function typescriptFiles(...folders: readonly string[]): readonly SourceFile[] {
  return projectFiles.filter(
    ({ path }) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)),
  )
}

/** What ships. */
export const sources = typescriptFiles('src')

/** Everything that is compiled. */
export const compiledFiles = typescriptFiles('src', 'test', 'native-bench', 'loadtest')

/** Code with comments blanked out, line by line, so that prose cannot break a rule about code. */
export function withoutComments(file: SourceFile): readonly string[] {
  const blank = (comment: string) => comment.replace(/[^\n]/g, ' ')
  return file.text
    .replace(/\/\*[\s\S]*?\*\//g, blank)
    .replace(/(^|\s)\/\/[^\n]*/g, blank)
    .split('\n')
}

/**
 * `path:line: text` of each line for which the predicate holds, for a failure that can be clicked.
 */
export function offendingLines(
  files: readonly SourceFile[],
  isOffending: (line: string, file: SourceFile) => boolean,
  linesOf: (file: SourceFile) => readonly string[] = (file) => file.lines,
): readonly string[] {
  return files.flatMap((file) =>
    linesOf(file).flatMap((line, index) =>
      isOffending(line, file) ? [`${file.path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
    ),
  )
}
