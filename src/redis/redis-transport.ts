/**
 * The client library's connections to one server, found directly or through sentinels, and to all
 * nodes of a cluster. Nothing else knows the library.
 *
 * Concurrent commands share writes. To one server we write them ourselves, once a turn of the event
 * loop: native-bench/session-lookup.ts has that at half the cost of the client library's automatic
 * pipelines and of its explicit ones. In a cluster the library chooses the node of each command,
 * because it alone knows which one serves a key, and the sockets of all nodes are held back until
 * it has. Its automatic pipelines would keep a command until the one before is answered, while its
 * time runs: after a pause of this process it would time out although it had not been sent.
 *
 * There is no offline queue, and no command is sent twice, except where a cluster says that it was
 * not run because the key is served elsewhere.
 */
import { createRequire } from 'node:module'
import type * as Library from 'ioredis'
import type { LineCommand } from './redis-command.ts'
import type { RedisCounters, RedisTransport, Renewal, WireEvents } from './redis-connection.ts'
import {
  clusterOptions,
  type RedisClientOptions,
  retryDelayMs,
  serverOptions,
} from './redis-options.ts'
import { watchReplySize, watchSilence } from './redis-replies.ts'
import { redisFailureOf } from './redis-reply.ts'

type Redis = Library.Redis
type Stream = Redis['stream']

const REPLY_AS_TEXT = { replyEncoding: 'utf8' } as const
/** What `INFO` says of a server that follows another. */
const REPLICA_ROLE = 'role:slave'
/** Sessions must work within a second of the new master's being there. */
const DEMOTED_RETRY_MS_MAX = 300
/** A node of a cluster that says nothing for so many command times is given up. */
const SILENT_TIMES_MAX = 3
/**
 * What a cluster says of a command that was not run where it was sent. Told to lead it on, the
 * library would take all slots of the old node to have moved.
 */
const NOT_RUN_HERE: ReadonlySet<string> = new Set(['MOVED', 'ASK', 'TRYAGAIN'])

let loaded: typeof Library | null = null

/**
 * Loads the library at the first call, which holds the thread up for some 70 ms: a gateway that has
 * no Redis starts sooner without it.
 */
export function clientLibrary(): typeof Library {
  loaded ??= createRequire(import.meta.url)('ioredis') as typeof Library
  return loaded
}

/** One connection to one server, found directly or through sentinels. */
export class ServerWire implements RedisTransport {
  readonly #library = clientLibrary()
  readonly #redis: Redis
  readonly #counters: RedisCounters
  readonly #handshakeMs: number
  readonly #random: () => number
  readonly #events: WireEvents
  readonly #recordBytesMax: number
  #watchdog: NodeJS.Timeout | null = null
  /** The next connection is made without delay. */
  #isHurried = false
  /** The server that we are led to has been a replica once. */
  #needsMaster = false
  /** How often in a row it was one since. */
  #replicasMet = 0
  #restart: NodeJS.Timeout | null = null
  #restarts = 0
  #isClosed = false

  constructor(
    options: RedisClientOptions,
    random: () => number,
    role: 'master' | 'slave',
    counters: RedisCounters,
    events: WireEvents,
  ) {
    this.#counters = counters
    this.#handshakeMs = 2 * options.connectTimeoutMs
    this.#random = random
    this.#events = events
    this.#recordBytesMax = options.recordBytesMax
    const redis = new this.#library.Redis(
      serverOptions(options, role, (attempt) => this.#retryDelayMs(attempt)),
    )
    this.#redis = redis
    // It repeats itself in `close`, where it is acted upon.
    redis.on('error', () => {})
    redis.on('connecting', () => this.#watch())
    redis.on('ready', () => {
      if (this.#needsMaster) this.#askForRole()
      else this.#ready()
    })
    redis.on('close', () => {
      this.#unwatch()
      events.onLost()
    })
    redis.on('end', () => {
      this.#unwatch()
      events.onLost()
      this.#startAgain()
    })
  }

  send(commands: readonly LineCommand[]): void {
    const redis = this.#redis
    let text = ''
    // The library writes each command into what it takes for a pipeline; we write that once.
    const collector = {
      isPipeline: true,
      destination: { redis },
      write: (written: string | Buffer) => {
        text += String(written)
      },
    } as const
    for (const command of commands) {
      const sent = new this.#library.Command(command.name, command.args, REPLY_AS_TEXT)
      sent.promise.then(
        (value: unknown) => command.answered(value),
        (error: unknown) => command.failed(error),
      )
      redis.sendCommand(sent, collector)
    }
    // Empty when the connection was lost in this turn: then all of them have failed already.
    if (text === '') return
    this.#counters.writes += 1
    redis.stream.write(text)
  }

  drop(): void {
    const { stream } = this.#redis
    this.#redis.disconnect(true)
    // A server that says nothing would not say goodbye either.
    stream?.destroy()
  }

  renew(why: Renewal): boolean {
    if (why === 'demoted') this.#needsMaster = true
    this.#isHurried = true
    this.drop()
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#unwatch()
    if (this.#restart !== null) clearTimeout(this.#restart)
    const { stream } = this.#redis
    this.#redis.disconnect()
    stream?.destroy()
  }

  #ready(): void {
    this.#unwatch()
    this.#restarts = 0
    this.#replicasMet = 0
    this.#isHurried = false
    const events = this.#events
    watchReplySize(this.#redis, this.#recordBytesMax, (key) => events.onOversized(key))
    events.onReady()
  }

  /** A name may go on leading to a replica for a while after its master has moved. */
  #askForRole(): void {
    this.#redis.info('replication').then(
      (facts) => {
        if (!facts.includes(REPLICA_ROLE)) return this.#ready()
        this.#replicasMet += 1
        this.drop()
      },
      (error: unknown) => {
        // A user who may not ask: the next write tells. Otherwise the connection was lost.
        if (redisFailureOf(error).reason !== 'unavailable') this.#ready()
      },
    )
  }

  #retryDelayMs(attempt: number): number {
    if (this.#isHurried) {
      this.#isHurried = false
      return 0
    }
    // The library counts from each time that it is ready.
    const delayMs = retryDelayMs(Math.max(attempt, this.#replicasMet), this.#random)
    return this.#needsMaster ? Math.min(delayMs, DEMOTED_RETRY_MS_MAX) : delayMs
  }

  /** The library bounds the time to connect, but not what comes between that and being ready. */
  #watch(): void {
    this.#unwatch()
    this.#watchdog = setTimeout(() => this.drop(), this.#handshakeMs)
  }

  #unwatch(): void {
    if (this.#watchdog !== null) clearTimeout(this.#watchdog)
    this.#watchdog = null
  }

  /** The library gives up when no sentinel knows a master, or when interrupted in asking. */
  #startAgain(): void {
    if (this.#isClosed) return
    this.#restarts += 1
    this.#restart = setTimeout(
      () => {
        // Its failure is told by `end`, too.
        this.#redis.connect().catch(() => {})
      },
      retryDelayMs(this.#restarts, this.#random),
    )
  }
}

/** One connection to each node of a cluster. */
export class ClusterWire implements RedisTransport {
  readonly #library = clientLibrary()
  readonly #cluster: Library.Cluster
  readonly #counters: RedisCounters
  readonly #events: WireEvents
  readonly #connectTimeoutMs: number
  /**
   * All connections that have not ended, those included that the library has lost sight of: when
   * one ends, it forgets whichever it has by then to the same node, and never closes that.
   */
  readonly #nodes = new Set<Redis>()
  /** While the cluster is known, but not all of its masters are connected. */
  #waiting: NodeJS.Timeout | null = null

  constructor(
    options: RedisClientOptions,
    random: () => number,
    counters: RedisCounters,
    events: WireEvents,
  ) {
    this.#counters = counters
    this.#events = events
    this.#connectTimeoutMs = options.connectTimeoutMs
    const cluster = new this.#library.Cluster(
      [...options.nodes],
      clusterOptions(options, (attempt) => retryDelayMs(attempt, random)),
    )
    this.#cluster = cluster
    // It repeats itself in `close`, where it is acted upon.
    cluster.on('error', () => {})
    cluster.on('+node', (node: Redis) => {
      this.#nodes.add(node)
      node.once('end', () => this.#nodes.delete(node))
      node.on('ready', () => {
        watchReplySize(node, options.recordBytesMax, (key) => events.onOversized(key))
        watchSilence(node, options.commandTimeoutMs, SILENT_TIMES_MAX)
        this.#nodeReady()
      })
      // The library connects with the first command and refuses the next ones until it has. Not
      // right now: the command that has made it look for this node would be refused, too.
      setImmediate(() => {
        if (node.status === 'wait') node.connect().catch(() => {})
      })
    })
    cluster.on('-node', () => this.#endForgotten())
    cluster.on('ready', () => {
      // A master that cannot be reached must not keep the others from being used.
      this.#waiting = setTimeout(() => this.#ready(), this.#connectTimeoutMs)
      this.#nodeReady()
    })
    cluster.on('close', () => this.#lost())
    cluster.on('end', () => this.#lost())
  }

  send(commands: readonly LineCommand[]): void {
    const streams: Stream[] = []
    for (const { status, stream } of this.#nodes) if (status === 'ready') streams.push(stream)
    for (const stream of streams) stream.cork()
    for (const command of commands) this.#send(command)
    for (const stream of streams) {
      if (stream.writableLength > 0) this.#counters.writes += 1
      stream.uncork()
    }
  }

  drop(): void {
    this.#cluster.disconnect(true)
  }

  /** The library comes back from {@link drop} in several attempts: a new client does so at once. */
  renew(): boolean {
    // What is being received is not waited for.
    for (const { stream } of this.#nodes) stream?.destroy()
    return false
  }

  close(): void {
    this.#stopWaiting()
    this.#cluster.disconnect()
    this.#endForgotten()
  }

  #endForgotten(): void {
    const known = new Set(this.#cluster.nodes())
    for (const node of this.#nodes) if (!known.has(node)) node.disconnect()
  }

  #nodeReady(): void {
    const masters = this.#cluster.nodes('master')
    if (this.#waiting !== null && masters.every(({ status }) => status === 'ready')) this.#ready()
  }

  #ready(): void {
    this.#stopWaiting()
    this.#events.onReady()
  }

  #lost(): void {
    this.#stopWaiting()
    this.#events.onLost()
  }

  #stopWaiting(): void {
    if (this.#waiting !== null) clearTimeout(this.#waiting)
    this.#waiting = null
  }

  #send(command: LineCommand): void {
    const sent = new this.#library.Command(command.name, command.args, REPLY_AS_TEXT)
    sent.promise.then(
      (value: unknown) => command.answered(value),
      (error: unknown) => this.#failed(command, error),
    )
    // Told a slot, the library chooses the node, and leaves it to us to lead the command on.
    this.#cluster.sendCommand(sent, undefined, { slot: sent.getSlot(), redis: undefined })
  }

  /** A command that was not run where it was sent is sent once more, alone. */
  #failed(command: LineCommand, error: unknown): void {
    const [why, , address] = error instanceof Error ? error.message.split(' ') : []
    if (why === undefined || !NOT_RUN_HERE.has(why)) {
      command.failed(error)
      return
    }
    const again = new this.#library.Command(command.name, command.args, REPLY_AS_TEXT)
    again.promise.then(
      (value: unknown) => command.answered(value),
      (failure: unknown) => command.failed(failure),
    )
    const node = this.#cluster
      .nodes()
      .find(({ options }) => `${options.host}:${options.port}` === address)
    if (why === 'MOVED') this.#cluster.refreshSlotsCache()
    // Only for the next command there (redirection while a slot is on its way).
    if (why === 'ASK' && node !== undefined) void node.asking().catch(() => {})
    if (node === undefined) this.#cluster.sendCommand(again)
    else node.sendCommand(again)
  }
}
