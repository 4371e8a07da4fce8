/** The newest refused requests, so that the X-Request-Id of an answer finds its reason. */
import type { AnsweredRefusal } from '../../gateway/explanation.ts'
import type { AdminClient } from './admin-client.ts'
import { byId, page, setText } from './browser.ts'
import { amount, words } from './figures.ts'
import { type Cell, fillTable } from './panels.ts'

const STATUS_OK = 200
/** Seconds between two looks. */
const PAUSE_SECONDS = 3
const SHOWN_MAX = 25

export class RefusalList {
  readonly #client: AdminClient
  #refusals: readonly AnsweredRefusal[] = []
  #wanted = ''
  #second = 0

  constructor(client: AdminClient) {
    this.#client = client
    const input = byId('refused-id')
    input.addEventListener('input', () => {
      this.#wanted = input.value.trim()
      this.#draw()
    })
  }

  /** Once a second. */
  tick(): void {
    this.#second += 1
    if (page.visibilityState === 'hidden') return
    if (this.#second % PAUSE_SECONDS === 1) void this.#ask()
  }

  async #ask(): Promise<void> {
    const { status, body } = await this.#client.get('/refusals')
    if (status !== STATUS_OK) return
    this.#refusals = (body as { readonly refusals: readonly AnsweredRefusal[] }).refusals
    this.#draw()
  }

  #draw(): void {
    const found = this.#refusals.filter(({ requestId }) => requestId.includes(this.#wanted))
    const told = this.#wanted === '' ? '' : `${amount(found.length)} found`
    setText(byId('refused-count'), told)
    const empty =
      this.#wanted === '' ? 'Nothing was refused so far.' : 'It is not among the last ones.'
    fillTable('refused', found.slice(0, SHOWN_MAX).map(refusalRow), empty)
  }
}

function refusalRow(refusal: AnsweredRefusal): readonly Cell[] {
  const { at, requestId, method, path, route, status, code, reason, advice, shadow } = refusal
  return [
    { text: at.slice(11, 19), note: requestId },
    { text: `${method} ${path}`, note: route === 'none' ? 'no route' : `route ${route}` },
    { text: `${words(reason)}${shadow ? ', in shadow' : ''}`, note: advice },
    { text: `${status} ${code}`, tone: 'quiet' },
  ]
}
