/**
 * Memory in which each name has a place. Threads that count or share something find it by its name:
 * a position in a list of the configuration would mean something else in the next configuration.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'

/** Survives structured cloning, with the memory itself shared. */
export interface NamedBuffer {
  readonly buffer: SharedArrayBuffer
  /** Place in the buffer by name. */
  readonly places: ReadonlyMap<string, number>
  /** How many names it has places for. */
  readonly capacity: number
}

/**
 * @param names One that comes twice has one place.
 * @param create Makes room for so many.
 * @param spare Places for names that come later: {@link withNames}.
 */
export function createNamedBuffer(
  names: Iterable<string>,
  create: (count: number) => SharedArrayBuffer,
  spare = 0,
): NamedBuffer {
  const places = new Map([...new Set(names)].map((name, place) => [name, place]))
  const capacity = places.size + spare
  return { buffer: create(capacity), places, capacity }
}

/**
 * The same memory, with places for these names as well. A name that goes away keeps its place: what
 * another one counted must not become what a new one has counted.
 *
 * @returns `null`: there is no room for all of them.
 */
export function withNames(named: NamedBuffer, names: Iterable<string>): NamedBuffer | null {
  const places = new Map(named.places)
  for (const name of names) {
    if (!places.has(name)) places.set(name, places.size)
  }
  return places.size > named.capacity ? null : { ...named, places }
}

/** Where in the buffer the part of this name is. */
export function placeOf({ places }: NamedBuffer, name: string): number {
  const place = places.get(name)
  assertInvariant(place !== undefined, `there is a place for every name: ${name}`)
  return place
}
