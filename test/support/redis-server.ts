/** Real Redis servers for tests, and the faults that they can have. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'

const HOST = '127.0.0.1'

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, HOST)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port')
  return address.port
}

/** Sends one command and gives the raw answer, over a connection of its own. */
function redisCommand(port: number, ...words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, HOST)
    let text = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error('redis does not answer')))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      socket.end()
    })
    socket.on('close', () => resolve(text))
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    socket.write(`*${words.length}\r\n${parts.join('')}`)
  })
}

export class RedisServer {
  readonly port: number
  readonly #folder: string
  readonly #words: readonly string[]
  /** Words that must come before all others. */
  readonly #first: readonly string[]
  #child: ChildProcess | null = null

  private constructor(port: number, words: readonly string[], first: readonly string[] = []) {
    this.port = port
    this.#folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-'))
    this.#words = words
    this.#first = first
  }

  /** @param words Further settings, as on the command line of the server. */
  static async start(...words: readonly string[]): Promise<RedisServer> {
    const settings = ['--save', '', '--appendonly', 'no', ...words]
    const server = new RedisServer(await freePort(), settings)
    await server.up()
    return server
  }

  /** Starts from a file that it may write to, which is what a sentinel wants. */
  static async startFrom(file: string, ...words: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), words, [file])
    await server.up()
    return server
  }

  get address(): string {
    return `${HOST}:${this.port}`
  }

  /** Starts it, on the port it had before. It begins empty. */
  async up(): Promise<void> {
    const settings = ['--port', `${this.port}`, '--bind', HOST, '--dir', this.#folder]
    const words = [...this.#first, ...settings, ...this.#words]
    const child = spawn('redis-server', words, { stdio: 'ignore' })
    this.#child = child
    await eventually('redis answers', async () => {
      if (child.exitCode !== null) throw new Error('redis-server ended')
      return (await this.command('PING').catch(() => '')) === '+PONG\r\n'
    })
  }

  command(...words: readonly string[]): Promise<string> {
    return redisCommand(this.port, ...words)
  }

  /** Connections that clients have open, without the one that asks. */
  async clientCount(): Promise<number> {
    const text = await this.command('INFO', 'clients')
    return Number(/connected_clients:(\d+)/.exec(text)?.[1] ?? 0) - 1
  }

  /** Ends it at once. */
  async down(): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null) return
    const hasEnded = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGKILL')
    await hasEnded
  }

  /** It goes on listening and answers nothing. */
  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async stop(): Promise<void> {
    await this.down()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
