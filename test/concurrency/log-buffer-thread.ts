/** A thread of the log buffer test: logs numbered lines as fast as it can, then ends itself. */
import { workerData } from 'node:worker_threads'
import { LogBuffer, type LogBufferMemory } from '../../src/observability/log-buffer.ts'

export interface LogThreadInput {
  readonly memory: LogBufferMemory
  readonly lines: number
}

const input = workerData as LogThreadInput
const buffer = new LogBuffer(input.memory, () => {})
for (let number = 0; number < input.lines; number += 1) {
  // Lengths vary, so that lines end everywhere in the ring.
  buffer.append('access', `${number} ${'x'.repeat(number % 97)}\n`)
}
// At once, as a thread ends that has failed.
process.exit(1)
