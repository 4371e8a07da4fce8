/** Draws a chart as SVG, the same each time, for documents that show it in light and in dark. */
import { BarChart, type BarSeriesOption, LineChart, type LineSeriesOption } from 'echarts/charts'
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { LabelLayout } from 'echarts/features'
import { SVGRenderer } from 'echarts/renderers'
import type { Chart } from './figures.ts'

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, LabelLayout, SVGRenderer])

const WIDTH = 780
const LINES_HEIGHT = 360
/** Above and below the bars: title, axis, legend. */
const AROUND_BARS_HEIGHT = 110
const BAR_HEIGHT = 18
const BETWEEN_BARS_HEIGHT = 14
const AROUND = { right: 56, top: 44, bottom: 64, outerBoundsMode: 'none' } as const
/** In front of bars; a longer name is broken. */
const NAMES_WIDTH = 220

/** Told apart by eyes that confuse red and green as well (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00']

/**
 * Classes are for what happens under a pointer. They are numbered over all drawings, as are other
 * names, so that the same chart would be another text each time.
 */
const POINTER_STYLES = / class="zr[^"]*"|<style[^>]*>[\s\S]*?<\/style>\n?/g

export function chartSvg(chart: Chart): string {
  const height = chart.shape === 'lines' ? LINES_HEIGHT : barsHeight(chart)
  const drawing = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  drawing.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: { text: chart.title, left: 'center', textStyle: { fontSize: 15 } },
    // Wide of what the library takes a text for: fonts differ from reader to reader.
    legend: { bottom: 6, itemGap: 48 },
    ...(chart.shape === 'lines' ? lines(chart) : bars(chart)),
  })
  const svg = drawing.renderToSVGString()
  drawing.dispose()
  return `${svg.replaceAll(POINTER_STYLES, '').replaceAll(/zr\d+-/g, 'chart-')}\n`
}

function barsHeight({ categories, series }: Chart): number {
  const group = series.length * BAR_HEIGHT + BETWEEN_BARS_HEIGHT
  return AROUND_BARS_HEIGHT + categories.length * group
}

function bars({ categories, series }: Chart) {
  return {
    grid: { ...AROUND, left: NAMES_WIDTH + 12 },
    xAxis: { type: 'value' },
    yAxis: {
      type: 'category',
      inverse: true,
      data: [...categories],
      axisLabel: { width: NAMES_WIDTH, overflow: 'break' },
    },
    series: series.map(
      ({ name, values }): BarSeriesOption => ({
        name,
        type: 'bar',
        barMaxWidth: BAR_HEIGHT,
        data: [...values],
        label: { show: true, position: 'right', fontSize: 11 },
      }),
    ),
  }
}

function lines({ categories, categoriesName, series }: Chart) {
  return {
    grid: { ...AROUND, left: 64, bottom: 78 },
    xAxis: {
      type: 'category',
      data: [...categories],
      name: categoriesName,
      nameLocation: 'middle',
      nameGap: 28,
    },
    yAxis: { type: 'value', min: 0 },
    series: series.map(
      ({ name, values }): LineSeriesOption => ({
        name,
        type: 'line',
        symbol: 'circle',
        symbolSize: 6,
        data: [...values],
        label: { show: true, fontSize: 11 },
        // The table beside the chart has all of them.
        labelLayout: { hideOverlap: true },
      }),
    ),
  }
}
