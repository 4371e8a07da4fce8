/**
 * The files of a report: `performance.md` in a folder, and beside it `performance/` with figures
 * as JSON and the charts. The one in `docs/` has text between its figures; one elsewhere is made of
 * figures alone.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_ROOT } from '../project-root.ts'
import { chartSvg } from './chart-svg.ts'
import type { DatedFigures } from './figures.ts'
import { markedParts, replaceMarkedPart } from './marked-parts.ts'
import { renderFigures } from './render-figures.ts'

const CHARTS_FOLDER = 'performance'
const DATA_FILE = join(CHARTS_FOLDER, 'figures.json')
const DOCUMENT_FILE = 'performance.md'

/** Where the figures are that the project publishes. */
export function documentsFolder(): string {
  return join(PROJECT_ROOT, 'docs')
}

/** What was measured before, in the order in which it was. */
export function readFigures(folder: string): readonly DatedFigures[] {
  const file = join(folder, DATA_FILE)
  if (!existsSync(file)) return []
  return JSON.parse(readFileSync(file, 'utf8')) as DatedFigures[]
}

/** Each file by its path in the folder, as it is to be with these figures. */
export function reportFiles(
  document: string,
  all: readonly DatedFigures[],
): ReadonlyMap<string, string> {
  const charts = all.flatMap((figures) => figures.charts)
  return new Map([
    [DATA_FILE, `${JSON.stringify(all, null, 2)}\n`],
    ...charts.map((chart) => [join(CHARTS_FOLDER, `${chart.name}.svg`), chartSvg(chart)] as const),
    [
      DOCUMENT_FILE,
      all.reduce(
        (text, figures) =>
          replaceMarkedPart(text, figures.name, renderFigures(figures, CHARTS_FOLDER)),
        document,
      ),
    ],
  ])
}

/** With one measurement new, and the others as they were. */
export function withFigures(
  before: readonly DatedFigures[],
  figures: DatedFigures,
): readonly DatedFigures[] {
  const others = before.filter(({ name }) => name !== figures.name)
  return [...others, figures].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** @throws When the document of the folder has no part for one of the figures. */
export function writeReport(folder: string, all: readonly DatedFigures[]): void {
  const file = join(folder, DOCUMENT_FILE)
  const isPublished = folder === documentsFolder()
  const document = isPublished ? readFileSync(file, 'utf8') : emptyDocument(all)
  mkdirSync(join(folder, CHARTS_FOLDER), { recursive: true })
  for (const [path, text] of reportFiles(document, all)) writeFileSync(join(folder, path), text)
}

/** The parts of a document for which nothing was measured. */
export function partsWithoutFigures(
  document: string,
  all: readonly DatedFigures[],
): readonly string[] {
  return markedParts(document).filter((part) => !all.some(({ name }) => name === part))
}

function emptyDocument(all: readonly DatedFigures[]): string {
  const parts = all.map(
    ({ name }) => `## ${name}\n\n<!-- figures: ${name} -->\n<!-- end of figures -->\n`,
  )
  return `# Performance\n\n${parts.join('\n')}`
}
