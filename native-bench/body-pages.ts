/**
 * What keeping a small body costs that the native server lends, with 64 of them kept at a time.
 * Run: `node build/native-bench/body-pages.js`.
 *
 * - `memory of its own`: what a body gets that is large, or does not come in one piece.
 * - `in a page`: what the others get, and giving it back.
 */
import { type BodyPage, pageFor } from '../src/proxy/body-pages.ts'
import { type BenchCase, runBench } from './bench.ts'

const KEPT = 64
const SIZES = [128, 1_024, 2_048]
const TIMES_PER_ROUND = 50_000

const kept: (Uint8Array | null)[] = Array.from({ length: KEPT }, () => null)
const pages: (BodyPage | null)[] = Array.from({ length: KEPT }, () => null)

function casesOf(bytes: number): BenchCase[] {
  const lent = new ArrayBuffer(bytes)
  return [
    {
      name: `${bytes} bytes, memory of its own`,
      timesPerRound: TIMES_PER_ROUND,
      run: (times) => {
        for (let index = 0; index < times; index += 1) {
          kept[index % KEPT] = new Uint8Array(lent.slice(0))
        }
      },
    },
    {
      name: `${bytes} bytes, in a page`,
      timesPerRound: TIMES_PER_ROUND,
      run: (times) => {
        for (let index = 0; index < times; index += 1) {
          const place = index % KEPT
          pages[place]?.remove()
          const page = pageFor(bytes)
          pages[place] = page
          kept[place] = page.add(new Uint8Array(lent))
        }
      },
    },
  ]
}

await runBench('CPU for keeping one small body', SIZES.flatMap(casesOf))
