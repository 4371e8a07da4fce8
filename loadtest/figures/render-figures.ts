/** Writes figures as a part of a document: tables, charts, and how they came about. */
import type { DatedFigures, Table } from './figures.ts'

/** @param chartsFolder As the document links to it. */
export function renderFigures(figures: DatedFigures, chartsFolder: string): string {
  const { name, skipped, tables, charts } = figures
  return [
    ...tables.map(renderTable),
    ...charts.map((chart) => `![${chart.title}](${chartsFolder}/${chart.name}.svg)`),
    ...skipped,
    `<sub>${circumstances(figures)} Again: \`npm run performance -- ${name}\`</sub>`,
  ].join('\n\n')
}

function renderTable({ columns, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const alignment = columns.map((_, index) => (index === 0 ? '---' : '---:'))
  return [line(columns), line(alignment), ...rows.map(line)].join('\n')
}

function circumstances({ date, machine, programs, method }: DatedFigures): string {
  const { cores, processor, kernel, node, loadBefore } = machine
  const releases = [`Node ${node.slice(1)}`, ...programs].join(', ')
  return (
    `${date}, ${cores} × ${processor}, Linux ${kernel}, ${releases}; load before ` +
    `${loadBefore.toFixed(1)}. ${method}.`
  )
}
