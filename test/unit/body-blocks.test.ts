/** Memory that is used again must never be used twice at once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BLOCK_BYTES, giveBlockBack, takeBlock } from '../../src/proxy/body-blocks.ts'

describe('Blocks for request bodies', () => {
  it('come back whole when any part of them is given back', () => {
    const block = takeBlock()
    giveBlockBack(block.subarray(10, 20))
    const again = takeBlock()
    assert.equal(again.buffer, block.buffer)
    assert.equal(again.length, BLOCK_BYTES)
    giveBlockBack(again)
  })

  it('are lent to one at a time, however often they are given back', () => {
    const block = takeBlock()
    giveBlockBack(block)
    giveBlockBack(block)
    const first = takeBlock()
    const second = takeBlock()
    assert.notEqual(first.buffer, second.buffer)
    giveBlockBack(first)
    giveBlockBack(second)
  })

  it('are not made of memory that was never lent', () => {
    const foreign = new Uint8Array(BLOCK_BYTES)
    giveBlockBack(foreign)
    const block = takeBlock()
    assert.notEqual(block.buffer, foreign.buffer)
    giveBlockBack(block)
  })

  it('are kept up to a bound, and no further', () => {
    const blocks = Array.from({ length: 100 }, takeBlock)
    const known = new Set(blocks.map((block) => block.buffer))
    for (const block of blocks) giveBlockBack(block)
    const again = Array.from({ length: 100 }, takeBlock)
    const kept = again.filter((block) => known.has(block.buffer)).length
    assert.ok(kept > 0 && kept <= 16, `${kept} kept`)
  })
})
