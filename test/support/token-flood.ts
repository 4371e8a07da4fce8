/** Many tokens over a few kept connections, as fast as they are answered. */
import { Agent, request } from 'node:http'

export interface FloodAnswer {
  readonly status: number
  readonly text: string
  readonly latencyMs: number
}

/**
 * Sends one request for each token over a few kept connections, as fast as they are answered.
 *
 * @param onAnswer Called with the place of the token.
 */
export async function flood(
  origin: string,
  path: string,
  tokens: readonly string[],
  connections: number,
  onAnswer: (place: number, answer: FloodAnswer) => void,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  let next = 0
  const work = async () => {
    for (let place = next++; place < tokens.length; place = next++) {
      onAnswer(place, await askKept(agent, `${origin}${path}`, tokens[place] ?? ''))
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  agent.destroy()
}

function askKept(agent: Agent, url: string, token: string): Promise<FloodAnswer> {
  const startedAtMs = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const outgoing = request(url, { agent, headers }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      response.on('end', () => {
        const latencyMs = performance.now() - startedAtMs
        resolve({ status: response.statusCode ?? 0, text, latencyMs })
      })
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}
