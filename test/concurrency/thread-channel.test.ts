import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { MessageChannel, Worker } from 'node:worker_threads'
import { ThreadChannel } from '../../src/threads/thread-channel.ts'
import type { PupilMessages, TeacherMessages } from './thread-channel-thread.ts'

const TIMEOUT_MS = 10_000

function start(context: TestContext) {
  const worker = new Worker(new URL('./thread-channel-thread.js', import.meta.url))
  context.after(() => worker.terminate())
  const sums: number[] = []
  const channel = new ThreadChannel<TeacherMessages, PupilMessages>(worker, {
    notices: { added: (sum) => sums.push(sum) },
    requests: { name: ({ title }) => Promise.resolve(`${title} Who`) },
  })
  return { worker, channel, sums }
}

describe('a channel between two threads', () => {
  it('brings a request to the other thread, and its reply back', async (context) => {
    const { channel } = start(context)
    const outcomes = await Promise.all([
      channel.ask('double', { value: 21, afterMs: 50 }, TIMEOUT_MS),
      channel.ask('double', { value: 1, afterMs: 0 }, TIMEOUT_MS),
    ])
    assert.deepEqual(outcomes, [
      { kind: 'replied', reply: 42 },
      { kind: 'replied', reply: 2 },
    ])
  })

  it('keeps the order of notices and replies', async (context) => {
    const { channel, sums } = start(context)
    for (let count = 0; count < 100; count += 1) channel.notify('add', 1)
    const sum = await channel.ask('sum', null, TIMEOUT_MS)
    assert.deepEqual(sum, { kind: 'replied', reply: 100 })
    assert.equal(sums.length, 100)
    assert.equal(sums.at(-1), 100)
  })

  it('carries requests both ways at a time', async (context) => {
    const { channel } = start(context)
    const greeting = await channel.ask('greet', null, TIMEOUT_MS)
    assert.deepEqual(greeting, { kind: 'replied', reply: 'Hello Dr Who' })
  })

  it('waits no longer than it was told, and ignores the reply that comes late', async (context) => {
    const { channel } = start(context)
    const late = await channel.ask('double', { value: 1, afterMs: 300 }, 20)
    assert.deepEqual(late, { kind: 'no_reply', reason: 'timed_out' })
    // Replies come in order, so by the second one the late one has been there.
    const next = await channel.ask('double', { value: 2, afterMs: 400 }, TIMEOUT_MS)
    assert.deepEqual(next, { kind: 'replied', reply: 4 })
  })

  it('fails every open request at once when the other thread ends', async (context) => {
    const { channel } = start(context)
    // It listens by then.
    await channel.ask('sum', null, TIMEOUT_MS)
    const startedAtMs = performance.now()
    const outcomes = await Promise.all([
      channel.ask('double', { value: 1, afterMs: TIMEOUT_MS }, TIMEOUT_MS),
      channel.ask('double', { value: 2, afterMs: TIMEOUT_MS }, TIMEOUT_MS),
      channel.ask('dieInstead', null, TIMEOUT_MS),
    ])
    const ended = { kind: 'no_reply', reason: 'thread_ended' }
    assert.deepEqual(outcomes, [ended, ended, ended])
    assert.ok(performance.now() - startedAtMs < TIMEOUT_MS / 2)
  })

  it('fails a request to a thread that has ended already, and drops notices', async (context) => {
    const { channel, worker } = start(context)
    channel.notify('die', null)
    await once(worker, 'exit')
    channel.notify('add', 1)
    const outcome = await channel.ask('sum', null, TIMEOUT_MS)
    assert.deepEqual(outcome, { kind: 'no_reply', reason: 'thread_ended' })
  })

  it('delivers what a thread has sent before it ended', async (context) => {
    const { channel, worker, sums } = start(context)
    channel.notify('add', 3)
    channel.notify('die', null)
    await once(worker, 'exit')
    assert.deepEqual(sums, [3])
  })

  it('tells that a handler has thrown, so that the asker does not wait for it', async (context) => {
    const { channel } = start(context)
    const outcome = await channel.ask('fail', null, TIMEOUT_MS)
    assert.deepEqual(outcome, { kind: 'no_reply', reason: 'failed' })
  })

  for (const type of ['notice', 'request']) {
    it(`ends a thread over a ${type} that it does not know, with the name of it`, async (context) => {
      const { worker, channel } = start(context)
      await channel.ask('sum', null, TIMEOUT_MS)
      worker.postMessage({ type, id: 7, kind: 'toString', payload: null })
      const [error] = (await once(worker, 'error')) as [Error]
      assert.match(error.message, /knows every message.*: toString$/)
    })
  }

  it('ends a thread over what is no message of a channel', async (context) => {
    const { worker, channel } = start(context)
    await channel.ask('sum', null, TIMEOUT_MS)
    worker.postMessage({ hello: 'world' })
    const [error] = (await once(worker, 'error')) as [Error]
    assert.match(error.message, /nothing but messages of its channel/)
  })

  it('works over the ports of a message channel, whose closing ends it', async () => {
    const { port1, port2 } = new MessageChannel()
    const handlers = { notices: {}, requests: { name: () => 'one' } }
    const one = new ThreadChannel<TeacherMessages, TeacherMessages>(port1, {
      notices: { added: () => {} },
      requests: { name: () => new Promise<string>(() => {}) },
    })
    const two = new ThreadChannel<TeacherMessages, TeacherMessages>(port2, {
      ...handlers,
      notices: { added: () => {} },
    })
    const name = await one.ask('name', { title: '' }, TIMEOUT_MS)
    assert.deepEqual(name, { kind: 'replied', reply: 'one' })
    const open = two.ask('name', { title: '' }, TIMEOUT_MS)
    port1.close()
    assert.deepEqual(await open, { kind: 'no_reply', reason: 'thread_ended' })
  })
})
