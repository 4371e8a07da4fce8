/** Real Redis servers, alone, as a cluster, or watched by sentinels, that misbehave on command. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { describeEnd, reportUnwantedEnd } from './child-ends.ts'
import { eventually } from './eventually.ts'
import { reservePort, reservePortWith } from './reserved-port.ts'

const HOST = '127.0.0.1'
const POLL_MS = 20
const START_MS_MAX = 60_000
/** Far more than any command takes: one without an answer fails, and does not hang. */
const COMMAND_MS_MAX = 30_000
/** Redis derives the port of the cluster's own bus by adding this. */
const CLUSTER_BUS_OFFSET = 10_000
const CLUSTER_NODE_TIMEOUT_MS = 1_000
const MASTERS = 3
const SLOTS = 16_384
const SENTINEL_DOWN_AFTER_MS = 500
export const MASTER_NAME = 'mymaster'

/** A test that is broken off must not leave servers behind. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class RedisServer {
  readonly port: number
  readonly #directory: string
  readonly #words: readonly string[]
  #process: ChildProcess | null = null
  #admin: Redis | null = null

  private constructor(port: number, directory: string, words: readonly string[]) {
    this.port = port
    this.#directory = directory
    this.#words = words
  }

  /** @param words Further settings, as on the command line: `['--requirepass', 'x']`. */
  static async start(words: readonly string[] = []): Promise<RedisServer> {
    return RedisServer.#on(await reservePort(), words)
  }

  static async startForCluster(words: readonly string[]): Promise<RedisServer> {
    return RedisServer.#on(await reservePortWith([CLUSTER_BUS_OFFSET]), words)
  }

  /** Listens with TLS, too, under a certificate of these files; on the port that is returned. */
  static async startWithTls(certFile: string, keyFile: string) {
    const tlsPort = await reservePort()
    const files = ['--tls-cert-file', certFile, '--tls-key-file', keyFile]
    const words = ['--tls-port', String(tlsPort), ...files, '--tls-auth-clients', 'no']
    return { server: await RedisServer.start(words), node: { host: HOST, port: tlsPort } }
  }

  static async startSentinel(
    masterPort: number,
    settings: readonly string[] = [],
  ): Promise<RedisServer> {
    const port = await reservePort()
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-sentinel-'))
    const file = join(directory, 'sentinel.conf')
    const lines = [
      `sentinel monitor ${MASTER_NAME} ${HOST} ${masterPort} 2`,
      `sentinel down-after-milliseconds ${MASTER_NAME} ${SENTINEL_DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${MASTER_NAME} 3000`,
      ...settings,
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    const server = new RedisServer(port, directory, [file, '--sentinel'])
    await server.up()
    return server
  }

  static async #on(port: number, words: readonly string[]): Promise<RedisServer> {
    const directory = mkdtempSync(join(tmpdir(), 'sallyport-redis-'))
    const settings = ['--save', '', '--appendonly', 'no', ...words]
    const server = new RedisServer(port, directory, settings)
    await server.up()
    return server
  }

  get node() {
    return { host: HOST, port: this.port }
  }

  get processId(): number {
    return this.#process?.pid ?? 0
  }

  /** As a configuration names it. */
  get address(): string {
    return `${HOST}:${this.port}`
  }

  /**
   * Of a gateway in a test that is not about the time in which Redis must answer: a busy machine
   * must not look like a Redis that hangs.
   */
  get patientSettings() {
    return { nodes: [this.address], connectTimeout: '2s', commandTimeout: '10s' }
  }

  /** Runs a command over a connection of its own. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    this.#admin ??= new Redis({
      host: HOST,
      port: this.port,
      retryStrategy: () => POLL_MS,
      disconnectTimeout: POLL_MS,
      commandTimeout: COMMAND_MS_MAX,
    })
    return this.#admin.call(name, ...args)
  }

  /** Starts, on the port it had before, and empty. */
  async up(): Promise<void> {
    const own = ['--port', String(this.port), '--bind', HOST, '--dir', this.#directory]
    const output = openSync(this.#outputFile, 'a')
    const stdio = ['ignore', output, output] as const
    const child = spawn('redis-server', [...this.#words, ...own], { stdio: [...stdio] })
    closeSync(output)
    running.add(child)
    this.#process = child
    child.once('error', (error) => reportUnwantedEnd(`redis-server: ${error.message}`))
    child.once('exit', () => {
      running.delete(child)
      if (this.#process === child) reportUnwantedEnd(this.#describeEnd(child))
    })
    await eventually('the server answers', () => answersPing(this.port), START_MS_MAX)
  }

  get #outputFile(): string {
    return join(this.#directory, 'output')
  }

  #describeEnd(child: ChildProcess): string {
    const output = readFileSync(this.#outputFile, 'utf8').trimEnd().split('\n')
    return describeEnd(`redis-server at ${this.address}`, child, output)
  }

  /** As after a crash: connections are reset. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    this.#admin?.disconnect()
    this.#admin = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Stands still: the system goes on accepting connections for it. */
  freeze(): void {
    this.#process?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Ends for good. */
  async stop(): Promise<void> {
    await this.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  pauseClients(durationMs: number): Promise<unknown> {
    return this.command('client', 'pause', durationMs, 'all')
  }

  /** All but the connection that asks for it. */
  killClients(): Promise<unknown> {
    return this.command('client', 'kill', 'type', 'normal')
  }

  /** A replica of a master that is not there: it refuses writes. */
  async becomeReplica(): Promise<void> {
    await this.command('replicaof', HOST, 1)
  }

  async becomeMaster(): Promise<void> {
    await this.command('replicaof', 'no', 'one')
  }

  /** Connections accepted since it was started, this one included. */
  async connectionsReceived(): Promise<number> {
    return this.#statistic('total_connections_received')
  }

  async connectedClients(): Promise<number> {
    return this.#statistic('connected_clients')
  }

  async #statistic(name: string): Promise<number> {
    const text = String(await this.command('info'))
    return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(text)?.[1])
  }

  /** Everything it holds, as a thief of its memory would read it. */
  async dump(): Promise<string> {
    const keys = (await this.command('keys', '*')) as string[]
    const parts: string[] = []
    for (const key of keys) {
      const type = await this.command('type', key)
      // The last reads sets of both kinds.
      const value =
        type === 'string'
          ? await this.command('get', key)
          : type === 'stream'
            ? await this.command('xrange', key, '-', '+')
            : await this.command('sort', key, 'by', 'nosort')
      parts.push(`${key} = ${JSON.stringify(value)}`)
    }
    return parts.join('\n')
  }
}

/** A connection of its own, which knows nothing of what a test does with the client library. */
async function answersPing(port: number): Promise<boolean> {
  const redis = new Redis({
    host: HOST,
    port,
    retryStrategy: () => null,
    lazyConnect: true,
    disconnectTimeout: POLL_MS,
    enableReadyCheck: false,
  })
  redis.on('error', () => {})
  try {
    await redis.connect()
    return (await redis.ping()) === 'PONG'
  } catch (error) {
    // A server that wants a password is there.
    return error instanceof Error && error.message.startsWith('NOAUTH')
  } finally {
    redis.disconnect()
  }
}

/** Three masters with a replica each. */
export class RedisCluster {
  readonly servers: readonly RedisServer[]

  private constructor(servers: readonly RedisServer[]) {
    this.servers = servers
  }

  static async start(): Promise<RedisCluster> {
    const words = [
      ...['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no'],
      ...['--cluster-node-timeout', String(CLUSTER_NODE_TIMEOUT_MS)],
      ...['--cluster-replica-validity-factor', '0', '--repl-diskless-sync-delay', '0'],
      // A replica counts from its master's first word on, which otherwise takes ten seconds.
      ...['--repl-ping-replica-period', '1'],
    ]
    const servers: RedisServer[] = []
    for (let count = 0; count < 2 * MASTERS; count += 1) {
      servers.push(await RedisServer.startForCluster(words))
    }
    for (const [index, server] of servers.entries()) {
      await server.command('cluster', 'set-config-epoch', index + 1)
      // Each meets each: waiting for what they tell each other takes seconds.
      for (const { port } of servers.slice(0, index)) {
        await server.command('cluster', 'meet', HOST, port)
      }
    }
    for (const [index, master] of servers.slice(0, MASTERS).entries()) {
      const from = Math.floor((SLOTS * index) / MASTERS)
      const to = Math.floor((SLOTS * (index + 1)) / MASTERS) - 1
      await master.command('cluster', 'addslotsrange', from, to)
    }
    const cluster = new RedisCluster(servers)
    await eventually('all nodes know each other', () => cluster.#isAcquainted(), START_MS_MAX)
    for (const [index, replica] of servers.slice(MASTERS).entries()) {
      const id = String(await (servers[index] as RedisServer).command('cluster', 'myid'))
      await replica.command('cluster', 'replicate', id)
    }
    await eventually(
      'all nodes agree, and all replicas follow',
      () => cluster.#isWhole(),
      START_MS_MAX,
    )
    return cluster
  }

  get nodes() {
    return this.servers.map(({ node }) => node)
  }

  get addresses(): readonly string[] {
    return this.servers.map(({ address }) => address)
  }

  /** The server that takes writes of this key now. */
  async masterOf(key: string): Promise<RedisServer> {
    const asked = this.servers[0] as RedisServer
    const slot = Number(await asked.command('cluster', 'keyslot', key))
    const ranges = (await asked.command('cluster', 'slots')) as [number, number, [string, number]][]
    const range = ranges.find(([from, to]) => from <= slot && slot <= to)
    const server = this.servers.find(({ port }) => port === range?.[2][1])
    if (server === undefined) throw new Error(`no server serves ${key}`)
    return server
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()))
  }

  async #isAcquainted(): Promise<boolean> {
    for (const server of this.servers) {
      const facts = String(await server.command('cluster', 'info'))
      const isOne = facts.includes('cluster_state:ok') && facts.includes('cluster_known_nodes:6')
      if (!isOne) return false
    }
    return true
  }

  async #isWhole(): Promise<boolean> {
    if (!(await this.#isAcquainted())) return false
    for (const server of this.servers) {
      const role = String(await server.command('info', 'replication'))
      if (role.includes('role:slave') && !role.includes('master_link_status:up')) return false
      // First and last slot, a master, and its replica: who follows whom is told by hearsay.
      const ranges = (await server.command('cluster', 'slots')) as unknown[][]
      if (ranges.some((range) => range.length < 4)) return false
    }
    return true
  }
}

/** A master, a replica, and three sentinels who can agree to swap them. */
export class RedisSentinels {
  readonly servers: readonly [RedisServer, RedisServer]
  readonly sentinels: readonly RedisServer[]

  private constructor(
    servers: readonly [RedisServer, RedisServer],
    sentinels: readonly RedisServer[],
  ) {
    this.servers = servers
    this.sentinels = sentinels
  }

  static async start(): Promise<RedisSentinels> {
    const words = ['--repl-diskless-sync-delay', '0']
    const master = await RedisServer.start(words)
    const following = ['--replicaof', `${HOST} ${master.port}`]
    const replica = await RedisServer.start([...words, ...following])
    const sentinels: RedisServer[] = []
    for (let count = 0; count < 3; count += 1) {
      sentinels.push(await RedisServer.startSentinel(master.port))
    }
    const set = new RedisSentinels([master, replica], sentinels)
    await eventually(
      'the sentinels know each other and the replica',
      () => set.#isWhole(),
      START_MS_MAX,
    )
    return set
  }

  get nodes() {
    return this.sentinels.map(({ node }) => node)
  }

  get addresses(): readonly string[] {
    return this.sentinels.map(({ address }) => address)
  }

  async stop(): Promise<void> {
    const all = [...this.sentinels, ...this.servers]
    await Promise.all(all.map((server) => server.stop()))
  }

  async #isWhole(): Promise<boolean> {
    const link = String(await this.servers[1].command('info', 'replication'))
    if (!link.includes('master_link_status:up')) return false
    for (const sentinel of this.sentinels) {
      const facts = String(await sentinel.command('info', 'sentinel'))
      if (!facts.includes('slaves=1,sentinels=3')) return false
    }
    return true
  }
}
