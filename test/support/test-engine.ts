/** Which HTTP engine the gateways and servers of tests run on, unless a test says otherwise. */

export type Engine = 'native' | 'node'

/** Set it to `node` to have tests run against the engine on node:http. */
const ENGINE_VARIABLE = 'SALLYPORT_TEST_ENGINE'

export const testEngine: Engine = engineOf(process.env[ENGINE_VARIABLE] ?? 'native')

function engineOf(text: string): Engine {
  if (text === 'native' || text === 'node') return text
  throw new Error(`${ENGINE_VARIABLE} is "${text}": native or node`)
}
