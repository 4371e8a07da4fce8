/** Bodies that share memory must keep their bytes, and all memory that they keep must count. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodyMemory } from '../../src/proxy/body-memory.ts'
import { type BodyPage, PAGED_BODY_BYTES_MAX, pageFor } from '../../src/proxy/body-pages.ts'

interface Kept {
  readonly page: BodyPage
  readonly copy: Uint8Array
  readonly original: Uint8Array
}

function keep(original: Uint8Array): Kept {
  const page = pageFor(original.length)
  return { page, copy: page.add(original), original }
}

/** Of every length up to the longest, each with bytes of its own. */
function bodies(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const length = 1 + ((index * 331) % PAGED_BODY_BYTES_MAX)
    return Uint8Array.from({ length }, (__, place) => (index * 7 + place) % 256)
  })
}

/** Leaves a page behind in which nothing is. */
function startPage(): void {
  const { page } = keep(new Uint8Array(1))
  const others = []
  while (pageFor(PAGED_BODY_BYTES_MAX) === page) {
    others.push(keep(new Uint8Array(PAGED_BODY_BYTES_MAX)))
  }
  for (const other of others) other.page.remove()
  page.remove()
}

describe('Pages for small request bodies', () => {
  it('keep the bytes of each, whatever comes behind it and whichever are gone', () => {
    const kept = bodies(500).map(keep)
    for (const [index, { page }] of kept.entries()) if (index % 3 === 0) page.remove()
    const later = bodies(500).map(keep)
    for (const { copy, original } of [...kept, ...later]) assert.deepEqual([...copy], [...original])
    for (const [index, { page }] of kept.entries()) if (index % 3 !== 0) page.remove()
    for (const { page } of later) page.remove()
  })

  it('copy what is only lent', () => {
    const lent = Uint8Array.of(1, 2, 3)
    const { page, copy } = keep(lent)
    lent.fill(0)
    assert.deepEqual([...copy], [1, 2, 3])
    page.remove()
  })

  it('count whole from when they are full until the last of their bodies is gone', () => {
    startPage()
    const before = bodyMemory.heldBytes
    const kept: Kept[] = []
    do kept.push(keep(new Uint8Array(1_000)))
    while (kept.at(-1)?.page === kept[0]?.page)
    const pageBytes = kept[0]?.copy.buffer.byteLength ?? 0
    assert.equal(bodyMemory.heldBytes, before + pageBytes)
    for (const { page } of kept.slice(1, -1)) page.remove()
    assert.equal(bodyMemory.heldBytes, before + pageBytes)
    kept[0]?.page.remove()
    assert.equal(bodyMemory.heldBytes, before)
    kept.at(-1)?.page.remove()
  })

  it('count all the memory that bodies keep but for one page, and nothing once they are gone', () => {
    startPage()
    const before = bodyMemory.heldBytes
    const kept = bodies(2_000).map(keep)
    // Of each page a few stay, which is the worst case.
    const staying = kept.filter((_, index) => index % 29 === 0)
    for (const one of kept) if (!staying.includes(one)) one.page.remove()
    const memories = new Set(staying.map(({ copy }) => copy.buffer))
    const keptBytes = [...memories].reduce((sum, { byteLength }) => sum + byteLength, 0)
    const pageBytes = staying[0]?.copy.buffer.byteLength ?? 0
    assert.ok(bodyMemory.heldBytes - before >= keptBytes - pageBytes)
    for (const { page } of staying) page.remove()
    startPage()
    assert.equal(bodyMemory.heldBytes, before)
  })

  it('do not count when all of their bodies were gone before they were full', () => {
    startPage()
    const before = bodyMemory.heldBytes
    const pages = new Set<BodyPage>()
    while (pages.size < 3) {
      const { page } = keep(new Uint8Array(1_000))
      page.remove()
      pages.add(page)
    }
    assert.equal(bodyMemory.heldBytes, before)
  })
})
