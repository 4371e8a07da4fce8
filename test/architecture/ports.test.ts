/**
 * No test chooses a port before it binds: between the two, another test or an outgoing connection
 * may take it. A server listens on port 0 and tells what it got, or on a reserved port
 * (test/support/reserved-port.ts).
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type SourceFile, typescriptFiles, withoutComments } from './repository.ts'

/** Reserves the number before it looks whether somebody listens there. */
const RESERVATION = 'test/support/reserved-port.ts'
/** Plants what it looks for. */
const THIS_FILE = 'test/architecture/ports.test.ts'

const FORBIDDEN: readonly (readonly [what: string, pattern: RegExp])[] = [
  [
    'closes a server as soon as it listens, so only to learn a free port',
    /\.listen\((?:[^()]|\(\))*? =>[^\n]{0,120}?\.close\(/,
  ],
  [
    'gives away the address of a server that it has closed',
    /\.(?:close|stop|down)\([^;]{0,60}?\)+\s+return [^\n]*\b(?:port|origin|address)\b/,
  ],
  [
    'gives away the address of a server when that has closed',
    /\.close\(\(\) => (?:\{\s*)?\w*[rR]esolve\([^)]*\b(?:port|origin|address)\b/,
  ],
  ['listens on a port that is the same in every run', /\.listen\((?:\{[^}]*port: )?[1-9]/],
]

/** A name and what it does wrong, for every place that does. */
function problemsOf(file: SourceFile): readonly string[] {
  const code = withoutComments(file).join('\n')
  return FORBIDDEN.filter(([, pattern]) => pattern.test(code)).map(
    ([what]) => `${file.path} ${what}`,
  )
}

function planted(text: string): readonly string[] {
  return problemsOf({ path: 'planted.ts', text, lines: text.split('\n') })
}

describe('ports of tests', () => {
  it('are bound when they are chosen', () => {
    const files = typescriptFiles('test', 'loadtest', 'native-bench').filter(
      ({ path }) => path !== RESERVATION && path !== THIS_FILE,
    )
    assert.ok(files.length > 200, `only ${files.length} files found`)
    assert.deepEqual(files.flatMap(problemsOf), [])
  })

  it('would be noticed if they were not', () => {
    for (const text of [
      "probe.listen(0, '127.0.0.1', () => probe.close())",
      'probe.listen(0, () => { const { port } = probe.address(); probe.close(); resolve(port) })',
      'const { port } = probe.address()\nawait new Promise((end) => probe.close(end))\nreturn port',
      'const gone = await start()\nawait gone.close()\nreturn gone.origin',
      'probe.close(() => resolve(port))',
      "server.listen(8080, '127.0.0.1')",
      "server.listen({ host: '127.0.0.1', port: 8080 })",
    ]) {
      assert.equal(planted(text).length, 1, text)
    }
  })

  it('are taken as they come by servers that stay', () => {
    for (const text of [
      "await new Promise((listening) => server.listen(0, '127.0.0.1', listening))",
      'const { port } = server.address()\nreturn { port, close: () => server.close() }',
      'await server.close(); return server.requests',
      '// server.listen(8080)',
    ]) {
      assert.deepEqual(planted(text), [], text)
    }
  })
})
