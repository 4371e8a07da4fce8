import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { chartSvg } from '../../loadtest/figures/chart-svg.ts'
import type { Chart, DatedFigures } from '../../loadtest/figures/figures.ts'
import { markedParts, replaceMarkedPart } from '../../loadtest/figures/marked-parts.ts'
import { renderFigures } from '../../loadtest/figures/render-figures.ts'
import {
  documentsFolder,
  partsWithoutFigures,
  readFigures,
  reportFiles,
} from '../../loadtest/figures/report-files.ts'
import { MEASUREMENTS } from '../../loadtest/measurements/all.ts'

const CHART: Chart = {
  name: 'growth',
  title: 'Growth <of> it',
  shape: 'lines',
  categoriesName: 'connections',
  categories: ['64', '512'],
  series: [{ name: 'Sallyport & others', values: [20.5, null] }],
}

const FIGURES: DatedFigures = {
  name: 'growth',
  date: '2026-01-31',
  machine: {
    processor: 'A processor',
    cores: 2,
    memoryGiB: 4,
    kernel: '6.1',
    node: 'v24.1.0',
    loadBefore: 0.26,
  },
  method: 'Three rounds',
  programs: ['HAProxy 2.6'],
  skipped: ['envoy: not installed, skipped'],
  tables: [{ columns: ['work', 'µs'], rows: [['hot', '20.5']] }],
  charts: [CHART],
}

describe('Figures of a measurement', () => {
  it('tell where they are from, what took no part, and how to measure them again', () => {
    assert.equal(
      renderFigures(FIGURES, 'charts'),
      [
        '| work | µs |\n| --- | ---: |\n| hot | 20.5 |',
        '![Growth <of> it](charts/growth.svg)',
        'envoy: not installed, skipped',
        '<sub>2026-01-31, 2 × A processor, Linux 6.1, Node 24.1.0, HAProxy 2.6; load before 0.3. ' +
          'Three rounds. Again: `npm run performance -- growth`</sub>',
      ].join('\n\n'),
    )
  })

  it('replace what a document said before, and nothing around it', () => {
    const document = 'a\n<!-- figures: growth -->\nold\n<!-- end of figures -->\nb\n'
    const replaced = replaceMarkedPart(document, 'growth', 'new')
    assert.equal(replaced, 'a\n<!-- figures: growth -->\n\nnew\n\n<!-- end of figures -->\nb\n')
    assert.equal(replaceMarkedPart(replaced, 'growth', 'new'), replaced)
    assert.throws(() => replaceMarkedPart(document, 'other', 'new'), /no whole part "other"/)
  })
})

describe('A chart', () => {
  it('is the same each time it is drawn, and escapes its names', () => {
    const svg = chartSvg(CHART)
    assert.equal(chartSvg(CHART), svg)
    assert.match(svg, /^<svg /)
    assert.match(svg, /Growth &lt;of&gt; it/)
    assert.match(svg, /Sallyport &amp; others/)
    assert.match(svg, />20\.5</)
  })

  it('has a bar for each value of each group', () => {
    const bars: Chart = {
      ...CHART,
      shape: 'bars',
      series: [
        { name: 'one', values: [1, 2] },
        { name: 'two', values: [3, 4] },
      ],
    }
    const svg = chartSvg(bars)
    for (const value of ['1', '2', '3', '4']) assert.match(svg, new RegExp(`>${value}</text>`))
  })
})

describe('docs/performance.md', () => {
  const document = readFileSync(join(documentsFolder(), 'performance.md'), 'utf8')
  const figures = readFigures(documentsFolder())

  it('has a part for each measurement, and none for another', () => {
    assert.deepEqual([...markedParts(document)].sort(), MEASUREMENTS.map(({ name }) => name).sort())
  })

  it('shows the figures that were measured last, all of them', () => {
    assert.deepEqual(partsWithoutFigures(document, figures), [])
    for (const [path, text] of reportFiles(document, figures)) {
      assert.equal(readFileSync(join(documentsFolder(), path), 'utf8'), text, path)
    }
  })
})
