/**
 * The page's way to the admin listener that it came from. The token stays in memory: a page that is
 * loaded again asks for it again.
 */
import type { LiveSecond, LiveStart } from '../live-sample.ts'

export interface StreamWatch {
  onStart(start: LiveStart): void
  onSecond(second: LiveSecond): void
  /** The stream is open no more, or could not be opened; it is tried again. */
  onLost(why: string): void
  /** The token is missing or wrong. {@link AdminClient.useToken} tries again. */
  onTokenWanted(wasWrong: boolean): void
}

export interface JsonAnswer {
  readonly status: number
  /** `null`: there is none, or no JSON. */
  readonly body: unknown
}

/** A second comes every second; a stream that is silent for so long is lost. */
const SILENCE_MS_MAX = 6_000
const PAUSES_MS = [500, 1_000, 2_000, 4_000] as const
const LAST_PAUSE_MS = 5_000
/** What a header can hold. */
const TOKEN = /^[\x21-\x7e]+$/
const STATUS_UNAUTHORIZED = 401
const STATUS_TOO_MANY = 503

export class AdminClient {
  #token: string | null = null
  #watch: StreamWatch | null = null
  #failures = 0

  useToken(token: string): void {
    // `fetch` would fail for any other as if the instance could not be reached, and be tried again.
    if (!TOKEN.test(token)) {
      this.#watch?.onTokenWanted(true)
      return
    }
    this.#token = token
    if (this.#watch !== null) void this.#run(this.#watch)
  }

  /** Reads the stream of events, and goes on when it is lost. */
  follow(watch: StreamWatch): void {
    this.#watch = watch
    void this.#run(watch)
  }

  get(path: string): Promise<JsonAnswer> {
    return this.#ask(path, {})
  }

  post(path: string, body: object): Promise<JsonAnswer> {
    const headers = { 'Content-Type': 'application/json' }
    return this.#ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
  }

  /** @returns Status 0 when no answer came. */
  async #ask(path: string, init: RequestInit): Promise<JsonAnswer> {
    try {
      const headers = { ...this.#authorization(), ...(init.headers as Record<string, string>) }
      const response = await fetch(path, { ...init, headers })
      return { status: response.status, body: parsed(await response.text()) }
    } catch {
      return { status: 0, body: null }
    }
  }

  async #run(watch: StreamWatch): Promise<void> {
    const outcome = await this.#read(watch)
    if (outcome === 'token_wanted') {
      watch.onTokenWanted(this.#token !== null)
      return
    }
    watch.onLost(outcome)
    const pauseMs = PAUSES_MS[this.#failures] ?? LAST_PAUSE_MS
    this.#failures += 1
    setTimeout(() => void this.#run(watch), pauseMs)
  }

  /** @returns Why it ended. */
  async #read(watch: StreamWatch): Promise<string> {
    const silence = new AbortController()
    let timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX)
    try {
      const headers = this.#authorization()
      const response = await fetch('/events', { headers, signal: silence.signal })
      if (response.status === STATUS_UNAUTHORIZED) return 'token_wanted'
      if (response.status === STATUS_TOO_MANY) return 'too many pages are open'
      if (response.status !== 200 || response.body === null) {
        return `the admin listener answers ${response.status}`
      }
      this.#failures = 0
      const reader = response.body.getReader()
      const decoder = new TextDecoder()
      let rest = ''
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        clearTimeout(timer)
        timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX)
        const events = (rest + decoder.decode(read.value, { stream: true })).split('\n\n')
        rest = events.pop() ?? ''
        for (const event of events) tell(watch, event)
      }
      return 'the instance has closed it'
    } catch {
      return silence.signal.aborted ? 'the instance is silent' : 'the instance cannot be reached'
    } finally {
      clearTimeout(timer)
    }
  }

  #authorization(): Record<string, string> {
    return this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` }
  }
}

/** What is here comes from the instance that the page itself is from. */
function tell(watch: StreamWatch, event: string): void {
  const [name, line] = event.split('\n')
  const told = parsed((line ?? '').slice('data: '.length))
  if (name === 'event: start') watch.onStart(told as LiveStart)
  else if (name === 'event: second') watch.onSecond(told as LiveSecond)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
