/**
 * The script of the live page: shows what the stream of events tells, once a second.
 *
 * It runs in the browser of an operator. Names in the configuration and everything else that is
 * told are text, never markup.
 */
import type { LiveSample, LiveSecond, LiveStart, LiveWords } from '../live-sample.ts'
import { AdminClient } from './admin-client.ts'
import { showAttention } from './attention.ts'
import { allOf, byId, onResize, page, setClass, setText } from './browser.ts'
import { Chart } from './charts.ts'
import { offerExplanations } from './explain-form.ts'
import { amount, clockTime, duration, latency, percent, share, words } from './figures.ts'
import { addEvents, fillTable, forgetEvents, showState } from './panels.ts'
import { RefusalList } from './refusal-list.ts'
import { RouteTable } from './route-table.ts'

const HISTORY_MAX = 900
/** Key figures are of so many seconds, so that they can be read. */
const CALM_SECONDS = 5
const MINUTE_SAMPLES = 60
const MS_PER_MINUTE = 60_000
const SPAN_MS_MIN = 3 * MS_PER_MINUTE
const MS_PER_SECOND = 1_000

const client = new AdminClient()
const routes = new RouteTable(client)
const refusalList = new RefusalList(client)
const charts = {
  requests: new Chart('chart-requests', { kind: 'stacked', format: amount, atLeast: 1 }),
  latency: new Chart('chart-latency', { kind: 'log', format: latency, atLeast: 0 }),
  refusals: new Chart('chart-refusals', { kind: 'lines', format: amount, atLeast: 1 }),
  cache: new Chart('chart-cache', { kind: 'lines', format: percent, atLeast: 1 }),
}
let told: LiveWords | null = null
let history: LiveSample[] = []
let phase = 0
let spanMsMax = 15 * MS_PER_MINUTE

client.follow({
  onStart: (start) => begin(start),
  onSecond: (second) => show(second),
  onLost: (why) => tellLoss(why),
  onTokenWanted: (wasWrong) => askForToken(wasWrong),
})
offerExplanations(client)
byId('token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  client.useToken(byId('token').value)
  byId('token').value = ''
})
for (const choice of allOf('input[name=phase]')) {
  choice.addEventListener('change', () => {
    phase = Number(choice.value)
    drawCharts()
  })
}
for (const choice of allOf('input[name=span]')) {
  choice.addEventListener('change', () => {
    spanMsMax = Number(choice.value) * MS_PER_MINUTE
    drawCharts()
  })
}
byId('warnings-only').addEventListener('change', () => {
  setClass(byId('events'), byId('warnings-only').checked ? 'warnings-only' : '')
})
onResize(() => drawCharts())

function begin({ words: started, history: kept, now }: LiveStart): void {
  told = started
  history = [...kept]
  byId('token-part').hidden = true
  byId('main').hidden = false
  byId('lost').hidden = true
  setClass(byId('main'), '')
  setText(byId('live'), 'Live')
  setClass(byId('live'), 'ok')
  setText(byId('version'), `${started.version} · Node ${started.node.replace('v', '')}`)
  const place = (outcome: string) => started.outcomes.indexOf(outcome)
  routes.usePlaces({
    refused: place('refused'),
    clientErrors: place('forwarded_4xx'),
    failures: [place('forwarded_5xx'), place('upstream_failed')],
  })
  forgetEvents()
  show(now)
}

function show({ sample, state, routes: busiest, events }: LiveSecond): void {
  if (sample !== null) history = [...history, sample].slice(-HISTORY_MAX)
  const status = state.ready ? 'Ready' : `Not ready: ${words(state.status)}`
  setText(byId('status'), status)
  setClass(byId('status'), state.ready ? 'pill ok' : 'pill bad')
  page.title = state.ready ? 'Sallyport' : `${status} – Sallyport`
  const nowMs = history.at(-1)?.atMs ?? state.revision.sinceMs
  const upSeconds = (nowMs - (told?.startedAtMs ?? nowMs)) / MS_PER_SECOND
  setText(byId('uptime'), `up ${duration(Math.max(0, upSeconds))}`)
  const since = clockTime(state.revision.sinceMs)
  setText(byId('revision'), `configuration ${state.revision.id}, since ${since}`)
  showAttention(state)
  showState(state)
  addEvents(events)
  routes.show(busiest)
  refusalList.tick()
  if (page.visibilityState === 'hidden') return
  showKeyFigures()
  showRefusals()
  drawCharts()
}

page.addEventListener('visibilitychange', () => drawCharts())

/** Requests of a sample that ended in one of these ways. */
function ended(sample: LiveSample, ...outcomes: readonly string[]): number {
  const places = outcomes.map((outcome) => told?.outcomes.indexOf(outcome) ?? -1)
  return places.reduce((sum, place) => sum + (sample.outcomes[place] ?? 0), 0)
}

function total({ outcomes }: LiveSample): number {
  return outcomes.reduce((sum, count) => sum + count, 0)
}

function sumOf(samples: readonly LiveSample[], amountOf: (sample: LiveSample) => number): number {
  return samples.reduce((sum, sample) => sum + amountOf(sample), 0)
}

function showKeyFigures(): void {
  const recent = history.slice(-CALM_SECONDS)
  const last = recent.at(-1)
  if (last === undefined) return
  const all = sumOf(recent, total)
  const seconds = sumOf(recent, (sample) => sample.seconds)
  const refused = sumOf(recent, (sample) => ended(sample, 'refused'))
  const failed = sumOf(recent, (sample) => ended(sample, 'forwarded_5xx', 'upstream_failed'))
  const totals = recent.flatMap(({ latencies }) => latencies[0]?.[1] ?? [])
  const hits = sumOf(recent, ({ cache }) => cache[0] ?? 0)
  const lookups = sumOf(recent, ({ cache }) => cache.reduce((sum, count) => sum + count, 0))
  figure('rate', amount(Math.round((all / seconds) * 10) / 10), '')
  figure('refused', share(refused, all), refused > 0 ? 'warn' : '')
  figure('failed', share(failed, all), failed > 0 ? 'bad' : '')
  figure('p99', totals.length === 0 ? '–' : latency(Math.max(...totals)), '')
  figure('hits', share(hits, lookups), '')
  figure('connections', amount(last.connections), '')
  figure('busiest', percent(last.busiest), last.busiest > 0.9 ? 'bad' : '')
}

function figure(name: string, text: string, tone: string): void {
  setText(byId(`figure-${name}`), text)
  setClass(byId(`figure-${name}`), tone)
}

function showRefusals(): void {
  const lately = countReasons(history.slice(-MINUTE_SAMPLES))
  const rows = [...countReasons(history)]
    .sort(([one, a], [other, b]) => (lately.get(other) ?? 0) - (lately.get(one) ?? 0) || b - a)
    .map(([reason, count]) => {
      const { code = '', meaning = '' } = told?.reasons[reason] ?? {}
      const inMinute = lately.get(reason) ?? 0
      return [
        { text: words(reason), note: `${code}: ${meaning}` },
        { text: amount(inMinute), tone: inMinute === 0 ? ('quiet' as const) : ('' as const) },
        { text: amount(count) },
      ]
    })
  fillTable('refusals', rows, 'Nothing was refused within the last 15 minutes.')
}

function countReasons(samples: readonly LiveSample[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const [reason, count] of samples.flatMap(({ refusals }) => refusals)) {
    counts.set(reason, (counts.get(reason) ?? 0) + count)
  }
  return counts
}

function drawCharts(): void {
  const endMs = history.at(-1)?.atMs ?? 0
  const keptMs = endMs - (history[0]?.atMs ?? endMs)
  // A young instance would have nearly empty charts.
  const spanMs = Math.min(spanMsMax, Math.max(keptMs, SPAN_MS_MIN))
  const shown = history.filter(({ atMs }) => endMs - atMs < spanMs)
  const times = shown.map(({ atMs }) => atMs)
  const rates = (...outcomes: readonly string[]) =>
    shown.map((sample) => ended(sample, ...outcomes) / sample.seconds)
  const requests = [
    {
      tone: 'good',
      label: 'passed',
      values: rates('forwarded_1xx', 'forwarded_2xx', 'forwarded_3xx'),
    },
    { tone: 'client', label: '4xx of upstreams', values: rates('forwarded_4xx') },
    { tone: 'refused', label: 'refused', values: rates('refused') },
    {
      tone: 'failed',
      label: '5xx and no answer',
      values: rates('forwarded_5xx', 'upstream_failed'),
    },
    {
      tone: 'gone',
      label: 'client left or stalled',
      values: rates('client_gone', 'body_too_slow', 'reader_stalled'),
    },
  ]
  charts.requests.draw({ times, series: requests }, spanMs)
  const percentiles = (told?.percentiles ?? []).map((percentile, place) => ({
    tone: `p${place}`,
    label: `p${percentile}`,
    values: shown.map(({ latencies }) => latencies[phase]?.[place] ?? null),
  }))
  charts.latency.draw({ times, series: percentiles }, spanMs)
  // In the stack a few of many would not be seen.
  charts.refusals.draw({ times, series: requests.slice(1, 4) }, spanMs)
  const hitRates = shown.map(({ cache }) => {
    const lookups = cache.reduce((sum, count) => sum + count, 0)
    return lookups === 0 ? null : (cache[0] ?? 0) / lookups
  })
  const busy = shown.map(({ busiest }) => busiest)
  const shares = [
    { tone: 'p0', label: 'cache hits', values: hitRates },
    { tone: 'p1', label: 'busiest thread', values: busy },
  ]
  charts.cache.draw({ times, series: shares }, spanMs)
}

function tellLoss(why: string): void {
  const lastMs = history.at(-1)?.atMs
  const since = lastMs === undefined ? '' : ` What you see is of ${clockTime(lastMs)}.`
  if (byId('lost').hidden) {
    const at = lastMs === undefined ? '' : ` since ${clockTime(lastMs)}`
    setText(byId('lost-since'), `No connection${at}.${since}`)
  }
  setText(byId('lost-why'), `Trying again: ${why}.`)
  byId('lost').hidden = false
  setClass(byId('main'), 'stale')
  setText(byId('live'), 'Not live')
  setClass(byId('live'), 'bad')
}

function askForToken(wasWrong: boolean): void {
  byId('main').hidden = true
  byId('lost').hidden = true
  byId('token-part').hidden = false
  byId('token-wrong').hidden = !wasWrong
  byId('token').focus()
}
