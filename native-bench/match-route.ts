/**
 * What finding the route of one request costs, by what is in its path. Run:
 * `node build/native-bench/match-route.js`.
 */
import { compileRoutes } from '../src/routing/compile-routes.ts'
import { findRoute } from '../src/routing/match-route.ts'
import { type BenchCase, runBench } from './bench.ts'

const SERVICES = 50

const patterns = Array.from({ length: SERVICES }, (_, index) => [
  `/service-${index}/admin/*`,
  `/service-${index}/*`,
]).flat()

const table = compileRoutes(
  patterns.map((path) => ({
    match: { path, host: null, methods: [], isCaseSensitive: false, keptForms: 0 },
    target: path,
  })),
  ['/health/live', '/health/ready'],
)

let sink: unknown = null

/** Two paths in turn, because the judgement of the last one is kept. */
function matching(name: string, path: string): BenchCase {
  const paths = [`${path}/1`, `${path}/2`]
  return {
    name,
    timesPerRound: 100_000,
    run: (times) => {
      for (let index = 0; index < times; index += 1) {
        sink = findRoute(table, 'GET', paths[index & 1] ?? '', 'api.example.com')
      }
    },
  }
}

await runBench('CPU for finding the route of one request', [
  matching('lower case', '/service-25/orders/0197a3c4-5b1e-7c3d-9f2a'),
  matching('upper case in it', '/service-25/orders/0197A3C4-5B1E-7C3D-9F2A'),
  matching('encoded UTF-8', '/service-25/orders/caf%C3%A9'),
  matching('encoded twice', '/service-25/orders/a%252Fb'),
])
void sink
