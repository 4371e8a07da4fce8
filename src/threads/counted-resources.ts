/**
 * What resources of one kind have counted in a thread, those that have ended included: a counter
 * must not go down because a configuration was replaced.
 */
import type { NamedCounts } from '../observability/listener-metrics.ts'
import { addUnderName } from '../observability/named-counts.ts'
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

/** The same for resources that go by a name: what comes after one under its name counts on. */
export class CountsByName<Resource> {
  readonly #read: (resource: Resource) => ReadonlyMap<string, number>
  readonly #live = new Map<Resource, string>()
  readonly #ended = new Map<string, Map<string, number>>()

  /** @param read What one of them has counted: live, and only growing. */
  constructor(read: (resource: Resource) => ReadonlyMap<string, number>) {
    this.#read = read
  }

  /** The same life, whose counts are kept under the name. */
  counted(name: string, { create, close }: ResourceLife<Resource>): ResourceLife<Resource> {
    return {
      create: () => {
        const resource = create()
        this.#live.set(resource, name)
        return resource
      },
      close: async (resource) => {
        await close(resource)
        this.#live.delete(resource)
        addUnderName(this.#ended, name, this.#read(resource))
      },
    }
  }

  /** Since the thread started. A name that is gone is told on. */
  all(): NamedCounts[] {
    const sums = new Map<string, Map<string, number>>()
    for (const [name, counts] of this.#ended) addUnderName(sums, name, counts)
    for (const [resource, name] of this.#live) addUnderName(sums, name, this.#read(resource))
    return [...sums].map(([name, counts]) => ({ name, counts }))
  }
}
