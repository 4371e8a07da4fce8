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
}

/**
 * @param names One that comes twice has one place.
 * @param create Makes room for so many.
 */
export function createNamedBuffer(
  names: Iterable<string>,
  create: (count: number) => SharedArrayBuffer,
): NamedBuffer {
  const places = new Map([...new Set(names)].map((name, place) => [name, place]))
  return { buffer: create(places.size), places }
}

/** Where in the buffer the part of this name is. */
export function placeOf({ places }: NamedBuffer, name: string): number {
  const place = places.get(name)
  assertInvariant(place !== undefined, `there is a place for every name: ${name}`)
  return place
}
