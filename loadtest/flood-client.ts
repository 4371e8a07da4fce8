/**
 * A flood of bad tokens in a process of its own: each connection sends the next one as soon as the
 * last is answered, no token twice. Prints how many were answered as one line of JSON.
 *
 * Raw sockets, because a client that costs more than the gateway would measure itself.
 */
import { connect, type Socket } from 'node:net'
import type { FloodJob } from './flood-kinds.ts'
import { PROXIED } from './scenario.ts'

const COUNTER_DIGITS = 12
const END_OF_HEAD = '\r\n\r\n'

function tokenMaker({ token, kind }: FloodJob): () => string {
  const [header = '', payload = '', signature = ''] = token.split('.')
  let count = 0
  const counted = () => String(count++).padStart(COUNTER_DIGITS, '0')
  const behind = signature.slice(COUNTER_DIGITS)
  if (kind === 'signature') return () => `${header}.${payload}.${counted()}${behind}`
  if (kind === 'rubbish') return () => `rubbish-${counted()}`
  return () => {
    const named = JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: `unknown-${counted()}` })
    return `${Buffer.from(named).toString('base64url')}.${payload}.${signature}`
  }
}

/** Whether the text is one whole answer: refusals tell the length of their body. */
function isWhole(answer: string): boolean {
  const end = answer.indexOf(END_OF_HEAD)
  if (end === -1) return false
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(answer)?.[1] ?? 0)
  return answer.length >= end + END_OF_HEAD.length + length
}

function flood(job: FloodJob): Promise<number> {
  const nextToken = tokenMaker(job)
  const sockets: Socket[] = []
  let answered = 0
  const openOne = () => {
    const socket = connect(job.port, '127.0.0.1')
    let received = ''
    const send = () => {
      const lines = [
        `GET ${PROXIED.path} HTTP/1.1`,
        'host: flood',
        `authorization: Bearer ${nextToken()}`,
      ]
      socket.write(`${lines.join('\r\n')}${END_OF_HEAD}`)
    }
    socket.setEncoding('latin1').on('connect', send)
    socket.on('data', (part: string) => {
      received += part
      if (!isWhole(received)) return
      received = ''
      answered += 1
      send()
    })
    socket.on('error', (error) => process.stderr.write(`${error.message}\n`))
    sockets.push(socket)
  }
  for (let index = 0; index < job.connections; index += 1) openOne()
  return new Promise((resolve) => {
    setTimeout(() => {
      for (const socket of sockets) socket.destroy()
      resolve(answered)
    }, job.durationSeconds * 1_000)
  })
}

const job = JSON.parse(process.argv[2] ?? '') as FloodJob
process.stdout.write(`${JSON.stringify({ answered: await flood(job) })}\n`)
