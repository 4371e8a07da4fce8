/**
 * What resources of one kind have counted in a thread, those that have ended included: a counter
 * must not go down because a configuration was replaced.
 */
import type { ResourceLife } from './resources.ts'

type Counts<Name extends string> = Readonly<Record<Name, number>>

export class CountedResources<Resource, Name extends string> {
  readonly #names: readonly Name[]
  readonly #read: (resource: Resource) => Counts<Name>
  readonly #live = new Set<Resource>()
  #ended: Counts<Name>

  /** @param read What one of them has counted: live, and only growing. */
  constructor(names: readonly Name[], read: (resource: Resource) => Counts<Name>) {
    this.#names = names
    this.#read = read
    this.#ended = this.#perName(() => 0)
  }

  /** The same life, whose counts are kept. */
  counted({ create, close }: ResourceLife<Resource>): ResourceLife<Resource> {
    return {
      create: () => {
        const resource = create()
        this.#live.add(resource)
        return resource
      },
      close: async (resource) => {
        await close(resource)
        const counts = this.#read(resource)
        this.#live.delete(resource)
        this.#ended = this.#perName((name) => this.#ended[name] + counts[name])
      },
    }
  }

  /** Since the thread started. */
  sum(): Counts<Name> {
    const live = [...this.#live].map((resource) => this.#read(resource))
    return this.#perName((name) =>
      live.reduce((total, counts) => total + counts[name], this.#ended[name]),
    )
  }

  #perName(count: (name: Name) => number): Counts<Name> {
    return Object.fromEntries(this.#names.map((name) => [name, count(name)])) as Counts<Name>
  }
}
