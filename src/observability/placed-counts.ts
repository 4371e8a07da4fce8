/** Counts in an array, told apart by their places. */

/** Adds to the first, place by place. @returns The first. */
export function addByPlace(sum: Float64Array, added: Float64Array): Float64Array {
  added.forEach((count, place) => {
    sum[place] = (sum[place] ?? 0) + count
  })
  return sum
}
