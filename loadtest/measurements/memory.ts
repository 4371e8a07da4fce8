/** What the gateway takes of memory, of time to start, and of disk. */
import { median } from '../comparison.ts'
import type { Figures } from '../figures/figures.ts'
import { type InstalledSize, installedSize } from '../installed-size.ts'
import {
  bytesEach,
  type MemoryPoint,
  readConnections,
  readStart,
  readThreads,
  readTokens,
  type StartReading,
  type ThreadReading,
  type TokenReading,
} from '../memory-readings.ts'
import { openFilesMax } from '../resident-memory.ts'
import { CONNECTIONS, TOKEN_LENGTH } from '../scenario.ts'
import type { Effort, Measurement } from './measurement.ts'

/** How large the things are that are measured. */
export interface MemoryExtent {
  /** Different tokens that are verified. */
  readonly tokens: number
  /** Idle connections, growing. Those that the limit of open files forbids are left out. */
  readonly connections: readonly number[]
  /** Listener threads, growing; the first is 1. */
  readonly threads: readonly number[]
  /** Starts that count. One more goes before them. */
  readonly starts: number
}

const FULL_EXTENT: MemoryExtent = {
  tokens: 8_000,
  connections: [1_000, 4_000, 8_000],
  threads: [1, 2, 4],
  starts: 5,
}
/** Each starts five gateways, and memory differs less from round to round than CPU time. */
const ROUNDS_MAX = 3
/** The load before a reading: counted, but longer where turns are. */
const WARM_UP_REQUESTS_A_SECOND = 6_000
/** Files that a gateway and a client have open besides the connections. */
const OTHER_FILES = 512
/** Growth counts as such when it is so many times what known tokens bring. */
const CLEAR_GROWTH = 3
const KIB_PER_MIB = 1_024
const BYTES_PER_MIB = 1_048_576
const BYTES_PER_MB = 1_000_000

interface Round {
  readonly tokens: TokenReading
  readonly connections: readonly MemoryPoint[]
  readonly threads: readonly ThreadReading[]
}

async function takeRound(extent: MemoryExtent, warmUpRequests: number): Promise<Round> {
  const threads: ThreadReading[] = []
  for (const count of extent.threads) threads.push(await readThreads(count, warmUpRequests))
  return {
    tokens: await readTokens(extent.tokens),
    connections: await readConnections(extent.connections, warmUpRequests),
    threads,
  }
}

/** The first start is not counted: it finds files that no start before it has read. */
async function takeStarts(count: number): Promise<readonly StartReading[]> {
  const starts: StartReading[] = []
  for (let start = 0; start <= count; start += 1) starts.push(await readStart())
  return starts.slice(1)
}

type Row = readonly [what: string, figure: string]

function tokenRows(rounds: readonly Round[], tokens: number): readonly Row[] {
  const middle = (figure: (reading: TokenReading) => number): number =>
    median(rounds.map((round) => figure(round.tokens)))
  const resident = middle((reading) => reading.residentBytes)
  const noise = middle((reading) => reading.noiseBytes)
  const filled = (middle((reading) => reading.filled) * 100).toFixed(0)
  const isClear = resident > CLEAR_GROWTH * noise
  return [
    [
      `a cached token of ${TOKEN_LENGTH} characters`,
      `${middle((reading) => reading.cachedBytes).toFixed(0)} bytes`,
    ],
    [
      `growth of resident memory with each of the first ${tokens} tokens, which fill ${filled} % ` +
        'of the cache and mostly touch a page of their own',
      isClear ? `${resident.toFixed(0)} bytes` : 'not to be told from noise',
    ],
  ]
}

function connectionRow(rounds: readonly Round[]): Row {
  const bytes = median(rounds.map(({ connections }) => bytesEach(connections)))
  const from = rounds[0]?.connections.at(0)?.count ?? 0
  const to = Math.min(...rounds.map(({ connections }) => connections.at(-1)?.count ?? 0))
  return [
    `an idle keep-alive connection, ${from} to ${to} of them, without the kernel’s own memory`,
    Number.isNaN(bytes) ? 'not measured' : `${bytes.toFixed(0)} bytes`,
  ]
}

function threadRows(rounds: readonly Round[]): readonly Row[] {
  const first = (state: keyof ThreadReading): string => {
    const kib = median(rounds.map(({ threads }) => threads[0]?.[state].kib ?? Number.NaN))
    return `${(kib / KIB_PER_MIB).toFixed(0)} MiB`
  }
  const further = (state: keyof ThreadReading): string => {
    const bytes = median(
      rounds.map(({ threads }) => bytesEach(threads.map((reading) => reading[state]))),
    )
    return `${(bytes / BYTES_PER_MIB).toFixed(0)} MiB`
  }
  return [
    ['a gateway with one listener thread, after its start', first('started')],
    ['a gateway with one listener thread, idle after load', first('loaded')],
    ['each further listener thread, after the start', further('started')],
    ['each further listener thread, idle after load', further('loaded')],
  ]
}

function startRows(starts: readonly StartReading[]): readonly Row[] {
  const ready = median(starts.map(({ readyAfterMs }) => readyAfterMs))
  const cpu = median(starts.map(({ cpuMs }) => cpuMs))
  return [
    ['from the start of the process until it is ready', `${ready.toFixed(0)} ms`],
    ['CPU time until then', `${cpu.toFixed(0)} ms`],
  ]
}

function diskRows(size: InstalledSize): readonly Row[] {
  const { programBytes, sourceMapsBytes, packagesBytes, packages } = size
  const megabytes = (bytes: number): string => `${(bytes / BYTES_PER_MB).toFixed(1)} MB`
  return [
    ['on disk: the program', megabytes(programBytes)],
    ['on disk: its source maps', megabytes(sourceMapsBytes)],
    [`on disk: the ${packages} packages that it needs`, megabytes(packagesBytes)],
    [
      'on disk: all that an image holds besides Node',
      megabytes(programBytes + sourceMapsBytes + packagesBytes),
    ],
  ]
}

/**
 * @throws When a gateway does not start, or answers wrongly.
 */
export async function measureMemory(
  { rounds, turnSeconds }: Effort,
  extent: MemoryExtent,
): Promise<Figures> {
  const filesMax = openFilesMax()
  const connections = extent.connections.filter((count) => count + OTHER_FILES <= filesMax)
  const size = installedSize()
  const taken: Round[] = []
  const warmUpRequests = Math.ceil(WARM_UP_REQUESTS_A_SECOND * turnSeconds)
  const roundsTaken = Math.min(rounds, ROUNDS_MAX)
  while (taken.length < roundsTaken) {
    process.stderr.write(`  round ${taken.length + 1} …\n`)
    taken.push(await takeRound({ ...extent, connections }, warmUpRequests))
  }
  const starts = await takeStarts(extent.starts)
  const isLimited = connections.length < extent.connections.length
  return {
    method:
      `Resident memory (VmRSS) when it has settled, after ${warmUpRequests} requests over ` +
      `${CONNECTIONS} connections; medians of ${roundsTaken} of these rounds ` +
      `and of ${extent.starts} starts; growth from the first to the last ` +
      `of ${extent.threads.join(', ')} listener threads and of ${connections.join(', ')} connections`,
    programs: [],
    skipped: isLimited
      ? [`Fewer connections than intended: \`ulimit -n\` allows ${filesMax} open files.`]
      : [],
    tables: [
      {
        columns: ['what', 'figure'],
        rows: [
          ...threadRows(taken),
          connectionRow(taken),
          ...tokenRows(taken, extent.tokens),
          ...startRows(starts),
          ...diskRows(size),
        ],
      },
    ],
    charts: [],
  }
}

export const memory: Measurement = {
  name: 'memory',
  title: 'memory, start, and disk',
  measure: (effort) => measureMemory(effort, FULL_EXTENT),
}
