/** Makes new inputs of old ones: a few small changes, anywhere, at random. */
import type { RandomBelow } from '../../support/seeded-random.ts'

/** Longer inputs find little that shorter ones do not, and cost more. */
export const INPUT_BYTES_MAX = 4_096

/** Bytes at which parsers change their mind. */
const ODD_BYTES = Buffer.from(
  '\0\t\n\r "#%&\'()*+,-./0:;<=>?@A[\\]^_`a{|}~\x7f\x80\xbf\xc0\xff',
  'latin1',
)
const NUMBERS = ['0', '-1', '1e400', '2147483648', '4294967296', '9007199254740993', '1760000000']
const REPEATS_MAX = 64

/** What a mutation may draw on. */
export interface Material {
  readonly random: RandomBelow
  /** Inputs that were worth keeping. */
  readonly inputs: readonly Uint8Array[]
  /** Pieces of which inputs of this kind are made. */
  readonly dictionary: readonly Uint8Array[]
}

type Mutation = (input: Uint8Array, material: Material) => Uint8Array

const MUTATIONS: readonly Mutation[] = [
  flipBit,
  replaceByte,
  insertBytes,
  removeRange,
  repeatRange,
  moveRange,
  insertPiece,
  insertPiece,
  replaceByPiece,
  replaceNumber,
  takeFromOther,
  endLikeOther,
]

/** The input with one to eight changes; few more often than many. */
export function mutateBytes(input: Uint8Array, material: Material): Uint8Array {
  const { random } = material
  let mutated = input
  do {
    const mutation = MUTATIONS[random(MUTATIONS.length)] ?? flipBit
    mutated = mutation(mutated, material)
  } while (random(8) > 3)
  return mutated.length > INPUT_BYTES_MAX ? mutated.subarray(0, INPUT_BYTES_MAX) : mutated
}

/** The input with `inserted` in place of what is between two indexes. */
function spliced(input: Uint8Array, start: number, end: number, inserted: Uint8Array): Uint8Array {
  return Buffer.concat([input.subarray(0, start), inserted, input.subarray(end)])
}

/** A range that is mostly short. */
function anyRange({ length }: Uint8Array, random: RandomBelow): readonly [number, number] {
  const start = random(length + 1)
  const longest = random(4) === 0 ? length - start : Math.min(8, length - start)
  return [start, start + random(longest + 1)]
}

function pick<Item>(items: readonly Item[], random: RandomBelow, otherwise: Item): Item {
  return items[random(Math.max(items.length, 1))] ?? otherwise
}

const EMPTY = new Uint8Array(0)

function oneByte(random: RandomBelow): number {
  return random(2) === 0 ? random(256) : (ODD_BYTES[random(ODD_BYTES.length)] ?? 0)
}

function flipBit(input: Uint8Array, { random }: Material): Uint8Array {
  const changed = Uint8Array.from(input)
  const index = random(Math.max(input.length, 1))
  if (index < changed.length) changed[index] = (changed[index] ?? 0) ^ (1 << random(8))
  return changed
}

function replaceByte(input: Uint8Array, { random }: Material): Uint8Array {
  const changed = Uint8Array.from(input)
  const index = random(Math.max(input.length, 1))
  if (index < changed.length) changed[index] = oneByte(random)
  return changed
}

function insertBytes(input: Uint8Array, { random }: Material): Uint8Array {
  const index = random(input.length + 1)
  const count = random(8) === 0 ? 1 + random(REPEATS_MAX) : 1
  return spliced(input, index, index, new Uint8Array(count).fill(oneByte(random)))
}

function removeRange(input: Uint8Array, { random }: Material): Uint8Array {
  const [start, end] = anyRange(input, random)
  return spliced(input, start, end, EMPTY)
}

function repeatRange(input: Uint8Array, { random }: Material): Uint8Array {
  const [start, end] = anyRange(input, random)
  const times = random(8) === 0 ? 1 + random(REPEATS_MAX) : 1
  const range = input.subarray(start, end)
  return spliced(input, end, end, Buffer.concat(new Array<Uint8Array>(times).fill(range)))
}

function moveRange(input: Uint8Array, { random }: Material): Uint8Array {
  const [start, end] = anyRange(input, random)
  const rest = spliced(input, start, end, EMPTY)
  const index = random(rest.length + 1)
  return spliced(rest, index, index, input.subarray(start, end))
}

function insertPiece(input: Uint8Array, { random, dictionary }: Material): Uint8Array {
  const index = random(input.length + 1)
  return spliced(input, index, index, pick(dictionary, random, EMPTY))
}

function replaceByPiece(input: Uint8Array, { random, dictionary }: Material): Uint8Array {
  const [start, end] = anyRange(input, random)
  return spliced(input, start, end, pick(dictionary, random, EMPTY))
}

/** A number in the text becomes a neighbour of itself, or one at some limit. */
function replaceNumber(input: Uint8Array, { random }: Material): Uint8Array {
  const text = Buffer.from(input).toString('latin1')
  const found = [...text.matchAll(/\d+/g)]
  const match = found[random(Math.max(found.length, 1))]
  if (match === undefined) return flipBit(input, { random, inputs: [], dictionary: [] })
  const [written] = match
  const near = String(Number(written.slice(0, 15)) + random(3) - 1)
  const number = random(2) === 0 ? near : pick(NUMBERS, random, '0')
  return spliced(input, match.index, match.index + written.length, Buffer.from(number))
}

function takeFromOther(input: Uint8Array, { random, inputs }: Material): Uint8Array {
  const other = pick(inputs, random, EMPTY)
  const [start, end] = anyRange(input, random)
  const [otherStart, otherEnd] = anyRange(other, random)
  return spliced(input, start, end, other.subarray(otherStart, otherEnd))
}

function endLikeOther(input: Uint8Array, { random, inputs }: Material): Uint8Array {
  const other = pick(inputs, random, EMPTY)
  return spliced(
    input,
    random(input.length + 1),
    input.length,
    other.subarray(random(other.length + 1)),
  )
}
