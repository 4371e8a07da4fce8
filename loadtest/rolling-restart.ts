/**
 * Entry of the rolling restart: ends with 0 when no request was lost.
 *
 *     node build/loadtest/rolling-restart.js [--restarts 50] [--balancer haproxy|nginx|built-in]
 *       [--busy 16] [--slow 16] [--drain-delay-ms 2500] [--settle-ms 1500]
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { PROJECT_ROOT } from './project-root.ts'
import { BALANCERS, type Balancer } from './rolling/balancers.ts'
import { rollingRestart } from './rolling/rolling-restart.ts'

const { values } = parseArgs({
  options: {
    restarts: { type: 'string', default: '50' },
    balancer: { type: 'string', default: 'haproxy' },
    busy: { type: 'string', default: '16' },
    slow: { type: 'string', default: '16' },
    'drain-delay-ms': { type: 'string', default: '2500' },
    'settle-ms': { type: 'string', default: '1500' },
  },
})

/** What was asked for, or the built-in one where HAProxy is not installed. */
function chooseBalancer(name: string): Balancer {
  const asked = BALANCERS.find((balancer) => balancer.name === name)
  if (asked === undefined) throw new Error(`--balancer: there is no ${name}`)
  if (asked.isInstalled()) return asked
  const builtIn = BALANCERS.find((balancer) => balancer.name === 'built-in')
  if (name !== 'haproxy' || builtIn === undefined) throw new Error(`${name} is not installed`)
  process.stderr.write(
    '\n*** HAPROXY IS NOT INSTALLED: this run is behind a small balancer of the project instead,\n' +
      '*** and says nothing about a real one. Install haproxy and run it again.\n\n',
  )
  return builtIn
}

const report = await rollingRestart({
  program: join(PROJECT_ROOT, 'dist', 'main.js'),
  balancer: chooseBalancer(values.balancer),
  restarts: Number(values.restarts),
  busyClients: Number(values.busy),
  slowClients: Number(values.slow),
  drainDelayMs: Number(values['drain-delay-ms']),
  settleMs: Number(values['settle-ms']),
  onRestart: (done, { answered, lost }) =>
    process.stderr.write(`restart ${done}: ${answered} answered, ${lost} lost\n`),
})
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
process.exitCode = report.lost === 0 && report.answered > 0 ? 0 : 1
