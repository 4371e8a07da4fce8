/**
 * The only door to Redis: standalone, Sentinel and Cluster behind one set of typed commands, every
 * outcome a value within bounded time.
 *
 * Concurrent commands share writes. To one server we write them ourselves, once a turn of the event
 * loop: native-bench/session-lookup.ts has that at half the cost of the client library's automatic
 * pipelines and of its explicit ones. In a cluster the library's automatic pipelines do it, because
 * it alone knows which node serves a key.
 *
 * No command waits for a connection: there is no offline queue, and none is sent twice, except
 * where a cluster says that it was not run because the key is served elsewhere.
 */
import { Cluster, Command, Redis } from 'ioredis'
import type { LineCommand, RedisCounters, RedisWire, WireEvents } from './redis-line.ts'
import {
  clusterOptions,
  type RedisConnectionsOptions,
  retryDelayMs,
  serverOptions,
} from './redis-options.ts'
import { RedisPool, type RedisState } from './redis-pool.ts'
import { firstWord, type RedisFailure, type RedisReply } from './redis-reply.ts'

export interface RedisParts {
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
  /** At the first connection or failure, and at each change. */
  readonly onState: (state: RedisState) => void
}

export interface RedisStatistics {
  /** Connections that exist, and those of them that are ready. */
  readonly open: number
  readonly ready: number
  /** Since the start: commands that were asked for, and those of them that failed. */
  readonly commands: number
  readonly failures: number
  /** Writes to sockets for those commands. */
  readonly writes: number
}

const REPLY_AS_TEXT = { replyEncoding: 'utf8' } as const
/**
 * What a cluster, or the client library between two views of one, says of a command that was not
 * run where it was sent. Pipelined commands are not sent on when some of them did run.
 */
const NOT_RUN_HERE: ReadonlySet<string> = new Set(['MOVED', 'ASK', 'TRYAGAIN', 'All'])

export class RedisConnections {
  readonly #masters: RedisPool
  readonly #replicas: RedisPool | null
  #onReady: () => void = () => {}
  readonly #counters: RedisCounters = { commands: 0, writes: 0, failures: noFailures() }

  /** Begins to connect. */
  constructor(options: RedisConnectionsOptions, parts: RedisParts) {
    const counters = this.#counters
    const { random } = parts
    const create = (role: 'master' | 'slave') => (events: WireEvents) =>
      options.mode === 'cluster'
        ? new ClusterWire(options, random, counters, events)
        : new ServerWire(options, random, role, counters, events)
    const onState = (state: RedisState) => {
      if (state === 'ready') this.#onReady()
      parts.onState(state)
    }
    this.#masters = new RedisPool(options, { createWire: create('master'), counters, onState })
    // A cluster's connections go to replicas as they are told, command by command.
    this.#replicas =
      options.readFromReplicas && options.mode === 'sentinel'
        ? new RedisPool(options, { createWire: create('slave'), counters, onState: () => {} })
        : null
  }

  /** Reads a value and lets it live `ttlSeconds` from now, in one step. `null` when absent. */
  getex(key: string, ttlSeconds: number): Promise<RedisReply<string | null>> {
    return this.#masters.run('getex', [key, 'EX', String(ttlSeconds)], isTextOrNull)
  }

  get(key: string): Promise<RedisReply<string | null>> {
    return this.#readers().run('get', [key], isTextOrNull)
  }

  /** Sets a value that lives `ttlSeconds`. */
  set(key: string, value: string, ttlSeconds: number): Promise<RedisReply<string>> {
    return this.#masters.run('set', [key, value, 'EX', String(ttlSeconds)], isText)
  }

  /** @returns How many there were: 0 or 1. */
  delete(key: string): Promise<RedisReply<number>> {
    return this.#masters.run('del', [key], isCount)
  }

  /** Lets what is at the key live `ttlSeconds` from now. @returns 0 when there is nothing. */
  expire(key: string, ttlSeconds: number): Promise<RedisReply<number>> {
    return this.#masters.run('expire', [key, String(ttlSeconds)], isCount)
  }

  /** @returns 0 when there is no such key. An instant that has passed deletes it. */
  expireAt(key: string, atSeconds: number): Promise<RedisReply<number>> {
    return this.#masters.run('expireat', [key, String(atSeconds)], isCount)
  }

  addMember(key: string, member: string): Promise<RedisReply<number>> {
    return this.#masters.run('sadd', [key, member], isCount)
  }

  removeMember(key: string, member: string): Promise<RedisReply<number>> {
    return this.#masters.run('srem', [key, member], isCount)
  }

  /** From the master: what was added a moment ago must be in it. */
  members(key: string): Promise<RedisReply<string[]>> {
    return this.#masters.run('smembers', [key], isTexts)
  }

  ping(): Promise<RedisReply<string>> {
    return this.#masters.run('ping', [], isText)
  }

  get stats(): RedisStatistics {
    const { commands, writes, failures } = this.#counters
    return {
      open: this.#masters.open + (this.#replicas?.open ?? 0),
      ready: this.#masters.ready + (this.#replicas?.ready ?? 0),
      commands,
      failures: Object.values(failures).reduce((sum, count) => sum + count, 0),
      writes,
    }
  }

  /** Settles when a connection is ready for the first time, or when `timeoutMs` have passed. */
  whenReady(timeoutMs: number): Promise<void> {
    if (this.#masters.ready > 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onReady = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Cuts every connection at once; commands in flight fail. */
  close(): void {
    this.#masters.close()
    this.#replicas?.close()
  }

  #readers(): RedisPool {
    return this.#replicas !== null && this.#replicas.ready > 0 ? this.#replicas : this.#masters
  }
}

/** One connection to one server, found directly or through sentinels. */
class ServerWire implements RedisWire {
  readonly #redis: Redis
  readonly #counters: RedisCounters
  readonly #handshakeMs: number
  readonly #random: () => number
  #watchdog: NodeJS.Timeout | null = null
  #restart: NodeJS.Timeout | null = null
  #restarts = 0
  #isClosed = false

  constructor(
    options: RedisConnectionsOptions,
    random: () => number,
    role: 'master' | 'slave',
    counters: RedisCounters,
    events: WireEvents,
  ) {
    this.#counters = counters
    this.#handshakeMs = 2 * options.connectTimeoutMs
    this.#random = random
    const redis = new Redis(serverOptions(options, random, role))
    this.#redis = redis
    // It repeats itself in `close`, where it is acted upon.
    redis.on('error', () => {})
    redis.on('connecting', () => this.#watch())
    redis.on('ready', () => {
      this.#unwatch()
      this.#restarts = 0
      events.onReady()
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
      const sent = new Command(command.name, command.args, REPLY_AS_TEXT)
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

  close(): void {
    this.#isClosed = true
    this.#unwatch()
    if (this.#restart !== null) clearTimeout(this.#restart)
    const { stream } = this.#redis
    this.#redis.disconnect()
    stream?.destroy()
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
class ClusterWire implements RedisWire {
  readonly #cluster: Cluster

  constructor(
    options: RedisConnectionsOptions,
    random: () => number,
    counters: RedisCounters,
    events: WireEvents,
  ) {
    const cluster = new Cluster([...options.nodes], clusterOptions(options, random))
    this.#cluster = cluster
    cluster.on('error', () => {})
    cluster.on('+node', (node: Redis) => {
      node.on('ready', () => countWrites(node.stream, counters))
    })
    cluster.on('ready', () => events.onReady())
    cluster.on('close', () => events.onLost())
    cluster.on('end', () => events.onLost())
  }

  send(commands: readonly LineCommand[]): void {
    for (const command of commands) this.#send(command)
  }

  #send(command: LineCommand): void {
    // Throws when no node serves the key's slot.
    try {
      this.#cluster.call(command.name, ...command.args).then(
        (value) => command.answered(value),
        (error: unknown) => this.#failed(command, error),
      )
    } catch (error) {
      command.failed(error)
    }
  }

  /** A command that was not run where it was sent is sent once more, alone: then it is led on. */
  #failed(command: LineCommand, error: unknown): void {
    if (!(error instanceof Error) || !NOT_RUN_HERE.has(firstWord(error.message))) {
      command.failed(error)
      return
    }
    const again = new Command(command.name, command.args, REPLY_AS_TEXT)
    again.promise.then(
      (value: unknown) => command.answered(value),
      (failure: unknown) => command.failed(failure),
    )
    this.#cluster.sendCommand(again)
  }

  drop(): void {
    this.#cluster.disconnect(true)
  }

  close(): void {
    this.#cluster.disconnect()
  }
}

/** Counts what the client library writes to this connection from now on. */
function countWrites(stream: Redis['stream'], counters: RedisCounters): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    counters.writes += 1
    return write(...args)
  }
}

function noFailures(): Record<RedisFailure, number> {
  return { unavailable: 0, timeout: 0, read_only: 0, out_of_memory: 0, wrong_type: 0, error: 0 }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return typeof value === 'number'
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText)
}
