/**
 * The door to Redis: a few connections on which the commands of concurrent requests share writes,
 * and every outcome is a value.
 *
 * What a caller can rely on, whatever Redis does: an answer within `commandTimeoutMs` of a command
 * that was sent, and at once when no connection is ready. Nothing waits for Redis to come back. A
 * connection on which commands time out one after the other is dropped, so that a server which
 * takes commands and never answers does not collect them; until it has answered the client's own
 * question again, everything fails at once.
 *
 * Connections are filled in their order, not evenly: commands that are sent together in one turn of
 * the event loop travel in one write, which is where the throughput comes from.
 */
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'

export interface RedisAddress {
  readonly host: string
  readonly port: number
}

export interface RedisConnectionsOptions {
  readonly mode: 'standalone' | 'sentinel' | 'cluster'
  readonly nodes: readonly RedisAddress[]
  /** Of the sentinels. */
  readonly masterName: string
  readonly database: number
  readonly username: string | null
  readonly password: string | null
  /** `null`: plain TCP. Certificates are always verified. */
  readonly tls: { readonly ca: string | null; readonly serverName: string | null } | null
  readonly connectTimeoutMs: number
  readonly commandTimeoutMs: number
  /** Whether replicas of a cluster may answer what changes nothing. */
  readonly readFromReplicas: boolean
  /** Kept open, and at most. In a cluster each is one connection to every node. */
  readonly connectionsMin: number
  readonly connectionsMax: number
}

/**
 * - `unavailable`: no connection is ready, or it broke.
 * - `timeout`: sent, and not answered in time. It may have been carried out.
 * - `refused`: Redis answered with an error: read-only, out of memory, another type at that key.
 */
export type RedisFailure = 'unavailable' | 'timeout' | 'refused'

export type RedisReply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: RedisFailure }

export type RedisState = 'ready' | 'unreachable'

export interface RedisStats {
  readonly state: RedisState
  /** Connections that exist, and those of them that are ready. */
  readonly open: number
  readonly ready: number
  /** Commands without an answer. */
  readonly inFlight: number
  /** Since the start: sent, failed, and the writes to sockets that they took. */
  readonly commands: number
  readonly failures: number
  readonly writes: number
}

/** A connection with so many commands under way is left alone while there is another. */
const FILLED_COMMANDS = 64
/** More never wait on one connection: the answer to one more would be too late anyway. */
const COMMANDS_PER_CONNECTION_MAX = 2_048
const TIMEOUTS_IN_ROW_MAX = 3
const IDLE_MS = 30_000
const SWEEP_MS = 5_000
const RETRY_STEP_MS = 100
const RETRY_MS_MAX = 1_000
const SLOTS_REFRESH_MS = 2_000

type Client = Redis | Cluster

interface Connection {
  readonly client: Client
  isReady: boolean
  inFlight: number
  timeoutsInRow: number
  lastUsedMs: number
}

export interface RedisSurroundings {
  readonly monotonicMs: () => number
  /** In [0, 1). */
  readonly random: () => number
  /** Told of every change; `unreachable` is what it begins with, untold. */
  readonly onState: (state: RedisState) => void
}

export class RedisConnections {
  readonly #options: RedisConnectionsOptions
  readonly #around: RedisSurroundings
  readonly #connections: Connection[] = []
  readonly #sweeper: NodeJS.Timeout
  #state: RedisState = 'unreachable'
  #commands = 0
  #failures = 0
  #writes = 0
  #isClosed = false
  #onFirstReady: () => void = () => {}

  constructor(options: RedisConnectionsOptions, around: RedisSurroundings) {
    this.#options = options
    this.#around = around
    for (let count = 0; count < options.connectionsMin; count += 1) this.#open()
    this.#sweeper = setInterval(() => this.#closeIdle(), SWEEP_MS)
    this.#sweeper.unref()
  }

  /** Reads a value and lets it live `ttlSeconds` from now; one round trip. `null`: not there. */
  getex(key: string, ttlSeconds: number): Promise<RedisReply<string | null>> {
    return this.#send((client) => client.getex(key, 'EX', ttlSeconds))
  }

  get(key: string): Promise<RedisReply<string | null>> {
    return this.#send((client) => client.get(key))
  }

  /** Sets a value that lives `ttlSeconds`. */
  set(key: string, value: string, ttlSeconds: number): Promise<RedisReply<unknown>> {
    return this.#send((client) => client.set(key, value, 'EX', ttlSeconds))
  }

  /** @returns How many there were: 0 or 1. */
  delete(key: string): Promise<RedisReply<number>> {
    return this.#send((client) => client.del(key))
  }

  /** Lets a value end at this NumericDate, and a set `ttlSeconds` from now. */
  expireAt(key: string, atSeconds: number): Promise<RedisReply<number>> {
    return this.#send((client) => client.expireat(key, atSeconds))
  }

  expire(key: string, ttlSeconds: number): Promise<RedisReply<number>> {
    return this.#send((client) => client.expire(key, ttlSeconds))
  }

  addMember(key: string, member: string): Promise<RedisReply<number>> {
    return this.#send((client) => client.sadd(key, member))
  }

  removeMember(key: string, member: string): Promise<RedisReply<number>> {
    return this.#send((client) => client.srem(key, member))
  }

  members(key: string): Promise<RedisReply<string[]>> {
    return this.#send((client) => client.smembers(key))
  }

  ping(): Promise<RedisReply<string>> {
    return this.#send((client) => client.ping())
  }

  /** Settles when a connection is ready for the first time, or when `timeoutMs` have passed. */
  whenReady(timeoutMs: number): Promise<void> {
    if (this.#state === 'ready') return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#onFirstReady = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  get stats(): RedisStats {
    const ready = this.#connections.filter(({ isReady }) => isReady)
    return {
      state: this.#state,
      open: this.#connections.length,
      ready: ready.length,
      inFlight: this.#connections.reduce((sum, { inFlight }) => sum + inFlight, 0),
      commands: this.#commands,
      failures: this.#failures,
      writes: this.#writes,
    }
  }

  /** Cuts everything at once. */
  close(): void {
    this.#isClosed = true
    clearInterval(this.#sweeper)
    for (const { client } of this.#connections) client.disconnect()
  }

  async #send<T>(command: (client: Client) => Promise<T>): Promise<RedisReply<T>> {
    const connection = this.#pick()
    this.#commands += 1
    if (connection === null) {
      this.#failures += 1
      return UNAVAILABLE
    }
    connection.inFlight += 1
    connection.lastUsedMs = this.#around.monotonicMs()
    try {
      const value = await command(connection.client)
      connection.timeoutsInRow = 0
      return { ok: true, value }
    } catch (error) {
      this.#failures += 1
      const failure = failureOf(error)
      if (failure === TIMEOUT) this.#noticeTimeout(connection)
      return failure
    } finally {
      connection.inFlight -= 1
    }
  }

  /** The first that is not filled; when all are, the emptiest, and one more is opened. */
  #pick(): Connection | null {
    let emptiest: Connection | null = null
    for (const connection of this.#connections) {
      if (!connection.isReady) continue
      if (connection.inFlight < FILLED_COMMANDS) return connection
      if (emptiest === null || connection.inFlight < emptiest.inFlight) emptiest = connection
    }
    if (emptiest === null) return null
    if (this.#connections.length < this.#options.connectionsMax && this.#areAllReady()) this.#open()
    return emptiest.inFlight < COMMANDS_PER_CONNECTION_MAX ? emptiest : null
  }

  #areAllReady(): boolean {
    return this.#connections.every(({ isReady }) => isReady)
  }

  /** What is still under way there fails now instead of waiting for its own time to be up. */
  #noticeTimeout(connection: Connection): void {
    connection.timeoutsInRow += 1
    if (connection.timeoutsInRow < TIMEOUTS_IN_ROW_MAX || !connection.isReady) return
    connection.timeoutsInRow = 0
    this.#setReady(connection, false)
    const { client } = connection
    if (client instanceof Redis) client.disconnect(true)
    else for (const node of client.nodes('all')) node.disconnect(true)
  }

  #open(): void {
    const client = this.#options.mode === 'cluster' ? this.#clusterClient() : this.#singleClient()
    const connection: Connection = {
      client,
      isReady: false,
      inFlight: 0,
      timeoutsInRow: 0,
      lastUsedMs: this.#around.monotonicMs(),
    }
    this.#connections.push(connection)
    client.on('ready', () => this.#setReady(connection, true))
    for (const event of ['close', 'end', 'reconnecting']) {
      client.on(event, () => this.#setReady(connection, false))
    }
    // Told by state; without a listener the library would write to the standard error stream.
    client.on('error', () => {})
    if (client instanceof Redis) client.on('connect', () => this.#countWrites(client))
    else client.on('+node', (node: Redis) => node.on('connect', () => this.#countWrites(node)))
    // It goes on trying by itself, whatever comes of the first attempt.
    client.connect().catch(() => {})
  }

  #setReady(connection: Connection, isReady: boolean): void {
    connection.isReady = isReady
    const state = this.#connections.some((one) => one.isReady) ? 'ready' : 'unreachable'
    if (state === this.#state || this.#isClosed) return
    this.#state = state
    if (state === 'ready') this.#onFirstReady()
    this.#around.onState(state)
  }

  #countWrites(client: Redis): void {
    const { stream } = client
    const write = stream.write.bind(stream) as (...words: unknown[]) => boolean
    stream.write = (...words: unknown[]) => {
      this.#writes += 1
      return write(...words)
    }
  }

  #closeIdle(): void {
    const before = this.#around.monotonicMs() - IDLE_MS
    const last = this.#connections.at(-1)
    if (last === undefined || this.#connections.length <= this.#options.connectionsMin) return
    if (last.lastUsedMs > before || last.inFlight > 0) return
    this.#connections.pop()
    last.client.disconnect()
  }

  #singleClient(): Redis {
    const { mode, nodes, masterName, database } = this.#options
    const options = this.#clientOptions()
    if (mode === 'sentinel') {
      return new Redis({
        ...options,
        db: database,
        sentinels: nodes.map(({ host, port }) => ({ host, port })),
        name: masterName,
        sentinelRetryStrategy: (attempts) => this.#retryMs(attempts),
        sentinelCommandTimeout: this.#options.connectTimeoutMs,
        // The master that was: only asking the sentinels again finds its successor.
        reconnectOnError: (error) => error.message.startsWith('READONLY'),
      })
    }
    const [first] = nodes
    return new Redis({ ...options, db: database, host: first?.host ?? '', port: first?.port ?? 0 })
  }

  #clusterClient(): Cluster {
    const options: ClusterOptions = {
      lazyConnect: true,
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      scaleReads: this.#options.readFromReplicas ? 'slave' : 'master',
      slotsRefreshTimeout: SLOTS_REFRESH_MS,
      clusterRetryStrategy: (attempts) => this.#retryMs(attempts),
      redisOptions: this.#clientOptions(),
    }
    return new Cluster(
      this.#options.nodes.map(({ host, port }) => ({ host, port })),
      options,
    )
  }

  #clientOptions(): RedisOptions {
    const { username, password, tls, connectTimeoutMs, commandTimeoutMs } = this.#options
    return {
      lazyConnect: true,
      enableAutoPipelining: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      enableReadyCheck: true,
      connectTimeout: connectTimeoutMs,
      commandTimeout: commandTimeoutMs,
      retryStrategy: (attempts) => this.#retryMs(attempts),
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      ...(tls === null
        ? {}
        : {
            tls: {
              rejectUnauthorized: true,
              ...(tls.ca === null ? {} : { ca: tls.ca }),
              ...(tls.serverName === null ? {} : { servername: tls.serverName }),
            },
          }),
    }
  }

  /** Less than the step by chance, so that many connections do not all come back at once. */
  #retryMs(attempts: number): number {
    const ms = Math.min(RETRY_STEP_MS * attempts, RETRY_MS_MAX)
    return Math.ceil(ms * (0.5 + 0.5 * this.#around.random()))
  }
}

const UNAVAILABLE = Object.freeze({ ok: false, reason: 'unavailable' } as const)
const TIMEOUT = Object.freeze({ ok: false, reason: 'timeout' } as const)
const REFUSED = Object.freeze({ ok: false, reason: 'refused' } as const)

function failureOf(error: unknown): typeof UNAVAILABLE | typeof TIMEOUT | typeof REFUSED {
  if (!(error instanceof Error)) return UNAVAILABLE
  if (error.message === 'Command timed out') return TIMEOUT
  return error.name === 'ReplyError' ? REFUSED : UNAVAILABLE
}
