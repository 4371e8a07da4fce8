/**
 * What somebody should look at now, in one place at the top: an instance can be ready all the same.
 */
import type { LiveState } from '../live-sample.ts'
import { byId, element } from './browser.ts'
import { amount, words } from './figures.ts'

interface Problem {
  readonly tone: 'warn' | 'bad'
  readonly text: string
}

const BUSY_SHARE = 0.9
let shownText = ''

export function showAttention(state: LiveState): void {
  const problems = [
    ...configurationProblems(state.revision),
    ...state.issuers.flatMap(issuerProblems),
    ...state.introspection.flatMap(introspectionProblems),
    ...state.upstreams.flatMap(upstreamProblems),
    ...storeProblems(state),
    ...threadProblems(state),
  ]
  // Told again only when it changes: a screen reader reads it out.
  const text = JSON.stringify(problems)
  if (text === shownText) return
  shownText = text
  const worstFirst = [...problems].sort((one, other) => one.tone.localeCompare(other.tone))
  byId('attention').replaceChildren(...worstFirst.map((it) => element('li', it.tone, it.text)))
  byId('attention').hidden = problems.length === 0
}

function configurationProblems({ id, problems }: LiveState['revision']): Problem[] {
  const [first] = problems
  if (first === undefined) return []
  const others = problems.length === 1 ? '' : `, and ${amount(problems.length - 1)} more`
  return [warn(`The configuration file is refused, and number ${id} serves on: ${first}${others}`)]
}

function issuerProblems({ name, state, lastFailure }: LiveState['issuers'][number]): Problem[] {
  const why = lastFailure === null ? '' : ` (${words(lastFailure)})`
  if (state === 'fresh') {
    return lastFailure === null ? [] : [warn(`Keys of ${name} cannot be fetched${why}`)]
  }
  if (state === 'stale') return [warn(`Keys of ${name} are stale${why}`)]
  return [bad(`No keys of ${name}: its tokens get 503${why}`)]
}

function introspectionProblems({
  issuer,
  circuits,
  pauses,
}: LiveState['introspection'][number]): Problem[] {
  const open = circuits.filter(({ state }) => state !== 'closed')
  const paused = pauses.filter(({ seconds }) => seconds > 0)
  return [
    ...(open.length > 0 ? [bad(`Introspection at ${issuer} fails: its breaker is open`)] : []),
    ...(paused.length > 0 ? [warn(`Introspection at ${issuer} has asked for a pause`)] : []),
  ]
}

function upstreamProblems(upstream: LiveState['upstreams'][number]): Problem[] {
  const { name, targets, ejected } = upstream
  if (ejected === 0) return []
  if (ejected < targets) return [warn(`${ejected} of ${targets} targets of ${name} are ejected`)]
  return [bad(`Upstream ${name} is down: all its targets are ejected`)]
}

function storeProblems({ redis, revocations, tenants, linesDropped }: LiveState): Problem[] {
  const problems: Problem[] = []
  if (redis !== null && redis.down > 0) {
    problems.push(bad('Redis is unreachable: sessions and stored API keys get 503'))
  }
  const { feed } = revocations
  if (feed !== null && feed !== 'caught_up') {
    problems.push(warn(`Shared revocations: ${words(feed)}`))
  }
  if (tenants !== null && tenants.state !== 'known') {
    problems.push(warn(`Tenants in Redis: ${words(tenants.state)}`))
  }
  if (linesDropped > 0) problems.push(warn(`${amount(linesDropped)} lines of the log were dropped`))
  return problems
}

function threadProblems({ threads }: LiveState): Problem[] {
  const { expected, listeners, signatures } = threads
  const busy = listeners.filter(({ utilization }) => utilization >= BUSY_SHARE)
  const problems: Problem[] = []
  // None at all: they have not been looked at yet.
  if (listeners.length > 0 && listeners.length < expected) {
    problems.push(bad(`${listeners.length} of ${expected} listener threads serve`))
  }
  if (busy.length > 0) problems.push(warn(`${busy.length} listener threads are busy all the time`))
  if (signatures !== null && signatures !== 'works') {
    problems.push(warn(`Native signatures: ${words(signatures)}; OpenSSL checks all of them`))
  }
  return problems
}

function warn(text: string): Problem {
  return { tone: 'warn', text }
}

function bad(text: string): Problem {
  return { tone: 'bad', text }
}
