/** The busiest routes, or those whose names contain what is typed. */
import type { LiveRoute, LiveRoutes } from '../live-sample.ts'
import type { AdminClient } from './admin-client.ts'
import { byId, setText } from './browser.ts'
import { amount, NONE, share } from './figures.ts'
import { type Cell, fillTable } from './panels.ts'

const STATUS_OK = 200

/** Where outcomes stand in the numbers of a route. */
export interface OutcomePlaces {
  readonly refused: number
  readonly clientErrors: number
  readonly failures: readonly number[]
}

export class RouteTable {
  readonly #client: AdminClient
  #places: OutcomePlaces = { refused: 0, clientErrors: 0, failures: [] }
  #filter = ''
  #isAsking = false

  constructor(client: AdminClient) {
    this.#client = client
    const input = byId('route-filter')
    input.addEventListener('input', () => {
      this.#filter = input.value.trim()
      void this.#ask()
    })
  }

  usePlaces(places: OutcomePlaces): void {
    this.#places = places
  }

  /** Once a second, with the busiest of all. */
  show(busiest: LiveRoutes): void {
    if (this.#filter === '') this.#draw(busiest)
    else void this.#ask()
  }

  /** One question at a time: what was typed meanwhile is asked for next. */
  async #ask(): Promise<void> {
    if (this.#isAsking || this.#filter === '') return
    this.#isAsking = true
    const asked = this.#filter
    const { status, body } = await this.#client.get(`/routes?filter=${encodeURIComponent(asked)}`)
    this.#isAsking = false
    if (this.#filter !== asked) await this.#ask()
    else if (status === STATUS_OK) this.#draw(body as LiveRoutes)
  }

  #draw({ count, matching, routes }: LiveRoutes): void {
    const isAll = this.#filter === ''
    const told = isAll
      ? `${amount(count)} routes`
      : `${amount(matching)} of ${amount(count)} routes`
    const some = routes.length < matching ? `, the ${routes.length} busiest shown` : ''
    setText(byId('route-count'), `${told}${some}`)
    const empty = isAll ? 'There are no routes.' : 'No route has this in its name.'
    fillTable(
      'routes',
      routes.map((route) => this.#row(route)),
      empty,
    )
  }

  #row({ name, perSecond, outcomes, total }: LiveRoute): readonly Cell[] {
    const { refused, clientErrors, failures } = this.#places
    const part = (places: readonly number[], tone: 'warn' | 'bad' | ''): Cell => {
      const sum = places.reduce((all, place) => all + (outcomes[place] ?? 0), 0)
      const text = sum === 0 ? NONE : share(sum, perSecond)
      return { text, tone: sum === 0 ? 'quiet' : tone }
    }
    return [
      // Of requests that no route matched.
      name === 'none' ? { text: 'no route', tone: 'quiet' } : { text: name },
      { text: perSecond === 0 ? NONE : amount(perSecond), tone: perSecond === 0 ? 'quiet' : '' },
      part([refused], 'warn'),
      part([clientErrors], ''),
      part(failures, 'bad'),
      { text: amount(total) },
    ]
  }
}
