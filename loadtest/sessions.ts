/** A real Redis with sessions in it, for the scenario that asks it for every request. */
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { reservePort } from '../test/support/reserved-port.ts'
import { type StartedProcess, startProcess } from './child-process.ts'

export interface StartedSessions extends StartedProcess {
  readonly port: number
  /** One id a line: what the load process reads. */
  readonly idsFile: string
}

/** @throws When there is no `redis-server` on the path. */
export async function startSessions(folder: string, count: number): Promise<StartedSessions> {
  const port = await reservePort()
  const words = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', folder]
  const started = await startProcess('redis-server', words, port)
  const ids = Array.from({ length: count }, () => randomBytes(32).toString('base64url'))
  const idsFile = join(folder, 'sessions')
  writeFileSync(idsFile, `${ids.join('\n')}\n`, { mode: 0o600 })
  try {
    await store(port, ids)
  } catch (error) {
    await started.stop()
    throw error
  }
  return { ...started, port, idsFile }
}

function store(port: number, ids: readonly string[]): Promise<void> {
  const createdAt = Math.floor(Date.now() / 1_000)
  const commands = ids.map((id, index) => {
    const key = `sess:${createHash('sha256').update(id).digest('hex')}`
    const user = { userId: `user-${index}`, email: `user-${index}@example.com`, roles: ['reader'] }
    const record = JSON.stringify({ ...user, scopes: ['read', 'write'], createdAt })
    const words = ['SET', key, record, 'EX', '3600']
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`)
    return `*${words.length}\r\n${parts.join('')}`
  })
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port })
    let answers = 0
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      const told = chunk.toString('latin1')
      if (told.includes('-ERR')) reject(new Error(`Redis stores no session: ${told}`))
      answers += told.split('+OK').length - 1
      if (answers < ids.length) return
      socket.destroy()
      resolve()
    })
    socket.write(commands.join(''))
  })
}
