/** A thread of the channel tests: answers, asks back, stays silent, and dies as it is told. */
import { parentPort } from 'node:worker_threads'
import { type Exchange, ThreadChannel, type ThreadPort } from '../../src/threads/thread-channel.ts'

/** What this thread takes. */
export interface PupilMessages {
  readonly notices: {
    readonly add: number
    readonly die: null
  }
  readonly requests: {
    readonly sum: Exchange<null, number>
    readonly double: Exchange<{ readonly value: number; readonly afterMs: number }, number>
    readonly dieInstead: Exchange<null, number>
    readonly fail: Exchange<null, number>
    /** Asks the other thread for its name, and replies with the greeting. */
    readonly greet: Exchange<null, string>
  }
}

/** What the other thread takes. */
export interface TeacherMessages {
  readonly notices: { readonly added: number }
  readonly requests: { readonly name: Exchange<{ readonly title: string }, string> }
}

const TIMEOUT_MS = 10_000

let sum = 0
// A handler that throws is a defect, and ends the thread; here it is looked at from outside.
process.on('unhandledRejection', () => {})
const channel: ThreadChannel<PupilMessages, TeacherMessages> = new ThreadChannel(
  parentPort as ThreadPort,
  {
    notices: {
      add(value) {
        sum += value
        channel.notify('added', sum)
      },
      die: () => process.exit(0),
    },
    requests: {
      sum: () => sum,
      double: async ({ value, afterMs }) => {
        await new Promise((resolve) => setTimeout(resolve, afterMs))
        return value * 2
      },
      dieInstead: () => process.exit(0),
      fail() {
        throw new Error('planned')
      },
      async greet() {
        const answered = await channel.ask('name', { title: 'Dr' }, TIMEOUT_MS)
        return answered.kind === 'replied' ? `Hello ${answered.reply}` : answered.reason
      },
    },
  },
)
