/** What the parts of the instance are in, as tables: text, a tone, and no more. */
import type { LiveSecond, LiveState } from '../live-sample.ts'
import { byId, element, type PageElement, setClass, setText } from './browser.ts'
import { amount, duration, mebibytes, NONE, percent, share, words } from './figures.ts'

/** `quiet`: there is nothing to see. Colour says only how well something is. */
type Tone = '' | 'ok' | 'warn' | 'bad' | 'quiet'

export interface Cell {
  readonly text: string
  readonly tone?: Tone
  /** In small below the text. */
  readonly note?: string
}

/** Changes what is there, so that a selection or the place in a table is kept. */
export function fillTable(bodyId: string, rows: readonly (readonly Cell[])[], empty: string): void {
  const body = byId(bodyId)
  const shown = rows.length === 0 ? [[{ text: empty, tone: 'quiet' } as const]] : rows
  shown.forEach((cells, place) => {
    const row = body.children[place] ?? appended(body, 'tr')
    cells.forEach((cell, column) => {
      fillCell(row.children[column] ?? appended(row, column === 0 ? 'th' : 'td'), cell)
    })
    for (const surplus of Array.from(row.children).slice(cells.length)) surplus.remove()
  })
  for (const surplus of Array.from(body.children).slice(shown.length)) surplus.remove()
}

function fillCell(target: PageElement, { text, tone = '', note = '' }: Cell): void {
  const [shown = appended(target, 'span'), small] = Array.from(target.children)
  setText(shown, text)
  setClass(shown, tone)
  if (note === '') small?.remove()
  else setText(small ?? appended(target, 'small'), note)
}

function appended(parent: PageElement, name: string): PageElement {
  const child = element(name, '')
  if (name === 'th') child.setAttribute('scope', 'row')
  parent.append(child)
  return child
}

export function showState(state: LiveState): void {
  fillTable('issuers', state.issuers.map(issuerRow), 'No issuer has keys to fetch.')
  const endpoints = state.introspection.flatMap(introspectionRows)
  byId('introspection-part').hidden = endpoints.length === 0
  fillTable('introspection', endpoints, '')
  fillTable('upstreams', state.upstreams.map(upstreamRow), 'No thread has told of its upstreams.')
  fillTable('threads', state.threads.listeners.map(threadRow), 'No listener thread serves.')
  fillTable('stores', storeRows(state), '')
}

const KEY_TONES: Readonly<Record<string, Tone>> = { fresh: 'ok', stale: 'warn' }

function issuerRow(issuer: LiveState['issuers'][number]): readonly Cell[] {
  const { state, keyAgeSeconds, failures, lastFailure, nextRefreshSeconds } = issuer
  const failed = lastFailure === null ? '' : `${words(lastFailure)}, ${failures} in a row`
  return [
    { text: issuer.name },
    { text: words(state), tone: KEY_TONES[state] ?? 'bad', note: failed },
    { text: amount(issuer.keys), tone: issuer.keys === 0 ? 'bad' : '' },
    { text: keyAgeSeconds === null ? NONE : duration(keyAgeSeconds) },
    { text: nextRefreshSeconds === null ? NONE : duration(nextRefreshSeconds) },
  ]
}

const CIRCUIT_TONES: Readonly<Record<string, Tone>> = { closed: 'ok', open: 'bad' }

function introspectionRows({
  issuer,
  circuits,
  pauses,
}: LiveState['introspection'][number]): (readonly Cell[])[] {
  // The worst of them: the endpoint is the same.
  const worst = circuits.find(({ state }) => state !== 'closed')?.state ?? 'closed'
  const told = circuits.map(({ callers, state }) => `${words(callers)} tokens ${words(state)}`)
  const breakers = [
    [
      { text: issuer },
      {
        text: `breaker ${words(worst)}`,
        tone: CIRCUIT_TONES[worst] ?? 'warn',
        note: worst === 'closed' ? '' : told.join(', '),
      },
    ],
  ]
  const asked = pauses
    .filter(({ seconds }) => seconds > 0)
    .map(({ callers, seconds }) => [
      { text: issuer, note: `tokens: ${words(callers)}` },
      { text: `asked to pause, ${duration(seconds)} left`, tone: 'warn' as const },
    ])
  return [...breakers, ...asked]
}

function upstreamRow(upstream: LiveState['upstreams'][number]): readonly Cell[] {
  const { targets, ejected, pending, waiting } = upstream
  const tone = ejected === 0 ? 'ok' : ejected < targets ? 'warn' : 'bad'
  const note = ejected === 0 ? '' : `${ejected} ejected`
  return [
    { text: upstream.name },
    { text: `${targets - ejected} of ${targets}`, tone, note },
    { text: amount(pending) },
    { text: amount(waiting), tone: waiting > 0 ? 'warn' : '' },
    { text: amount(upstream.connected) },
  ]
}

const BUSY_WARN = 0.7
const BUSY_BAD = 0.9

function threadRow({ thread, utilization }: LiveState['threads']['listeners'][number]) {
  const tone: Tone = utilization >= BUSY_BAD ? 'bad' : utilization >= BUSY_WARN ? 'warn' : ''
  return [{ text: `Listener ${thread}` }, { text: percent(utilization), tone }]
}

const STATE_TONES: Readonly<Record<string, Tone>> = {
  works: 'ok',
  caught_up: 'ok',
  known: 'ok',
  unreachable: 'bad',
  lost: 'bad',
}

/** Name, text, tone and note. */
type StoreRow = readonly [string, string, Tone?, string?]

function storeRows(state: LiveState): (readonly Cell[])[] {
  const { redis, cache, revocations, tenants, threads } = state
  const rows: StoreRow[] = [
    ...(redis === null ? [] : [redisRow(redis)]),
    ['Token cache', share(cache.slotsUsed, cache.slots), '', `${amount(cache.entries)} tokens`],
    ['Revocations', amount(revocations.active), '', `of ${amount(revocations.capacity)}`],
    ...(revocations.feed === null ? [] : [stateRow('Shared revocations', revocations.feed)]),
    ...(tenants === null ? [] : [stateRow('Tenants', tenants.state, amount(tenants.size))]),
    ...limitRows(state.limits),
    ...(threads.signatures === null ? [] : [stateRow('Native signatures', threads.signatures)]),
    ['Threads replaced', amount(threads.restarts), unless0(threads.restarts, 'warn')],
    ['Log lines dropped', amount(state.linesDropped), unless0(state.linesDropped, 'bad')],
    ['Memory', mebibytes(state.residentBytes)],
  ]
  return rows.map(([name, text, tone = '', note = '']) => [{ text: name }, { text, tone, note }])
}

function redisRow({ open, ready, down }: NonNullable<LiveState['redis']>): StoreRow {
  const isDown = down > 0 || (open > 0 && ready === 0)
  const note = `${ready} of ${open} connections`
  return ['Redis', isDown ? 'unreachable' : 'reachable', isDown ? 'bad' : 'ok', note]
}

function limitRows(limits: LiveState['limits']): StoreRow[] {
  if (limits === null) return []
  const { counted, capacity, locked, lockouts, fallbacks } = limits
  return [
    ['Limits count', amount(counted), '', `of ${amount(capacity)}`],
    ['Locked out now', amount(locked), unless0(locked, 'warn')],
    ['Lock-outs', amount(lockouts), '', 'since the start'],
    ['Counted without the fleet', amount(fallbacks), unless0(fallbacks, 'warn')],
  ]
}

function unless0(count: number, tone: Tone): Tone {
  return count === 0 ? '' : tone
}

function stateRow(name: string, state: string, note = ''): StoreRow {
  return [name, words(state), STATE_TONES[state] ?? 'warn', note]
}

const EVENTS_SHOWN_MAX = 200

/** The newest first. */
export function addEvents(events: LiveSecond['events']): void {
  const list = byId('events')
  if (events.length === 0) return
  const shown = [...events].reverse().map(eventItem)
  list.replaceChildren(...[...shown, ...Array.from(list.children)].slice(0, EVENTS_SHOWN_MAX))
  byId('no-events').hidden = true
}

export function forgetEvents(): void {
  byId('events').replaceChildren()
  byId('no-events').hidden = false
}

function eventItem({ time, level, stream, event, fields }: LiveSecond['events'][number]) {
  // Its class is for the choice of what is shown; colour is with the level alone.
  const item = element('li', level === 'info' || level === 'debug' ? 'plain' : '')
  const details = Object.entries(fields)
    .filter(([name, value]) => value !== null && !(name === 'suppressed' && value === 0))
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' · ')
  const at = element('time', '', time.slice(11, 19))
  at.setAttribute('datetime', time)
  item.append(
    at,
    element('span', `level ${toneOf(level)}`, level),
    element('strong', '', words(event)),
    element('span', 'quiet', stream === 'security' ? 'security' : ''),
    element('span', 'details', details),
  )
  return item
}

function toneOf(level: string): Tone {
  if (level === 'error') return 'bad'
  return level === 'warn' ? 'warn' : 'quiet'
}
