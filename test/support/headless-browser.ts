/**
 * Chromium without a window, driven over a pipe in its own protocol (the Chrome DevTools Protocol):
 * no package stands between a test and the browser.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Writable } from 'node:stream'
import { eventually } from './eventually.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  ...['--no-first-run', '--disable-extensions', '--disable-background-networking'],
  '--remote-debugging-pipe',
]

type Members = Readonly<Record<string, unknown>>

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Members
  readonly result?: Members
  readonly error?: { readonly message: string }
}

/** @returns The program; `null`: there is none on the path. */
export function findBrowser(): string | null {
  const works = (name: string) =>
    spawnSync(name, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0
  return NAMES.find(works) ?? null
}

export interface Screen {
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
}

/** One window with one page. */
export class HeadlessBrowser {
  /** What the page reported as wrong: exceptions, and what its policy forbade. */
  readonly problems: string[] = []
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #waiting = new Map<number, (message: Message) => void>()
  #session: string | null = null
  #lastId = 0
  #rest = ''

  /** @param flags On top of the usual ones. */
  static async open(program: string, flags: readonly string[] = []): Promise<HeadlessBrowser> {
    const browser = new HeadlessBrowser(program, flags)
    const { targetId } = await browser.#send('Target.createTarget', { url: 'about:blank' })
    const attached = await browser.#send('Target.attachToTarget', { targetId, flatten: true })
    browser.#session = String(attached['sessionId'])
    for (const domain of ['Page', 'Runtime', 'Log']) await browser.#send(`${domain}.enable`)
    return browser
  }

  private constructor(program: string, more: readonly string[]) {
    this.#profile = mkdtempSync(join(tmpdir(), 'sallyport-browser-'))
    const flags = [...FLAGS, ...more, `--user-data-dir=${this.#profile}`]
    this.#child = spawn(program, flags, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    const [, , , , output] = this.#child.stdio
    output?.on('data', (chunk: Buffer) => this.#receive(chunk.toString()))
  }

  async show({ width, height, scheme }: Screen): Promise<void> {
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 500 }
    await this.#send('Emulation.setDeviceMetricsOverride', metrics)
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await this.#send('Emulation.setEmulatedMedia', { features })
  }

  async open(url: string): Promise<void> {
    await this.#send('Page.navigate', { url })
  }

  /** @param expression Its value must survive as JSON; a promise is waited for. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', options)
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { readonly value: T }).value
  }

  /** As a person presses it: goes to what has the focus. */
  async press(key: string, text = ''): Promise<void> {
    const code = key === 'Tab' ? 9 : key === 'Enter' ? 13 : 0
    const pressed = { key, code: key, windowsVirtualKeyCode: code, text }
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...pressed })
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...pressed })
  }

  async type(text: string): Promise<void> {
    await this.#send('Input.insertText', { text })
  }

  async close(): Promise<void> {
    const hasEnded = this.#child.exitCode !== null || this.#child.signalCode !== null
    const ended = hasEnded ? Promise.resolve() : once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
    await eventually('its helpers write no more', () => wasRemoved(this.#profile))
  }

  #send(method: string, params: Members = {}): Promise<Members> {
    this.#lastId += 1
    const id = this.#lastId
    const session = this.#session === null ? {} : { sessionId: this.#session }
    const input = this.#child.stdio[3] as Writable
    input.write(`${JSON.stringify({ id, method, params, ...session })}\0`)
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error('the browser has ended'))
      this.#child.once('exit', onExit)
      this.#waiting.set(id, ({ result = {}, error }) => {
        this.#child.off('exit', onExit)
        if (error === undefined) resolve(result)
        else reject(new Error(`${method}: ${error.message}`))
      })
    })
  }

  #receive(text: string): void {
    const messages = (this.#rest + text).split('\0')
    this.#rest = messages.pop() ?? ''
    for (const message of messages) this.#take(JSON.parse(message) as Message)
  }

  #take({ id, method, params = {}, ...answer }: Message): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.(answer)
      this.#waiting.delete(id)
    } else if (method === 'Runtime.exceptionThrown') {
      this.problems.push(JSON.stringify(params['exceptionDetails']))
    } else if (method === 'Log.entryAdded') {
      const { source, text } = params['entry'] as { readonly source: string; readonly text: string }
      if (source === 'security' || source === 'javascript') this.problems.push(text)
    }
  }
}

/** From the top each time: retries of Node itself meet only the files that it saw first. */
function wasRemoved(directory: string): boolean {
  try {
    rmSync(directory, { recursive: true, force: true })
    return true
  } catch {
    return false
  }
}
