import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { redisFailureOf } from '../../src/redis/redis-reply.ts'

const IN_SCRIPT =
  'ERR Error running script (call to f_99f367f3e3718fca5d2aa3599fc52d05dea3e897): @user_script:1: '

function replied(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' })
}

describe('an error of Redis in a script', () => {
  // Version 7 begins with the word, version 6 with where it arose, once or twice.
  for (const [message, reason] of [
    ['READONLY You can not write. script: 99f3, on @user_script:1.', 'read_only'],
    [`${IN_SCRIPT}@user_script: 1: -READONLY You can not write.\r\n`, 'read_only'],
    ["OOM command not allowed when used memory > 'maxmemory'. script: 99f3", 'out_of_memory'],
    [`${IN_SCRIPT}@user_script: 1: -OOM command not allowed.\r\n`, 'out_of_memory'],
    ['WRONGTYPE Operation against a key. script: 99f3', 'wrong_type'],
    [`${IN_SCRIPT}WRONGTYPE Operation against a key`, 'wrong_type'],
    ['NOSCRIPT No matching script. Please use EVAL.', 'unknown_script'],
    [`${IN_SCRIPT}user_script:1: attempt to compare number with nil`, 'error'],
    [`${IN_SCRIPT}@user_script: 1: The user executing the script can't run this`, 'error'],
    ['BUSY Redis is busy running a script.', 'error'],
    ['ERR unknown command READONLY ', 'error'],
  ] as const) {
    it(`is ${reason}: ${message.slice(0, 9)} … ${message.slice(-20).trim()}`, () => {
      assert.deepEqual(redisFailureOf(replied(message)), { ok: false, reason })
    })
  }
})
