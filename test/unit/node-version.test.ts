/** What an operator reads who runs the program with a Node.js that cannot run it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nodeProblem } from '../../src/cli/node-version.ts'

describe('the version of Node.js', () => {
  it('is told when it is too old to load the program', () => {
    for (const version of ['18.20.8', '20.9.0', '20.18.0']) {
      assert.equal(
        nodeProblem(version),
        `Node.js ${version} is too old: use 20 (20.18.1 or later), 22 or 24`,
      )
    }
  })

  it('is no matter from the oldest supported one on', () => {
    for (const version of ['20.18.1', '20.20.2', '22.0.0', '24.21.0', '26.1.0']) {
      assert.equal(nodeProblem(version), null)
    }
  })
})
