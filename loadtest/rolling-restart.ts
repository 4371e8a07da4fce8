/**
 * Entry of the rolling restart: ends with 0 when no request was lost, with 1 when one was or when
 * something failed, and with 2 when it was called wrongly.
 *
 *     node build/loadtest/rolling-restart.js [--restarts 50] [--balancer haproxy|nginx|built-in]
 *       [--busy 16] [--slow 16] [--drain-delay-ms 2500] [--settle-ms 1500]
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { count, positiveCount } from './positive-number.ts'
import { PROJECT_ROOT } from './project-root.ts'
import { BALANCERS, type Balancer } from './rolling/balancers.ts'
import { type RollingRestartOptions, rollingRestart } from './rolling/rolling-restart.ts'
import { runOrdered } from './run-entry.ts'

/** @throws When an option is none of those, or a balancer is not there. */
function readArguments(): RollingRestartOptions {
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
  return {
    program: join(PROJECT_ROOT, 'dist', 'main.js'),
    balancer: chooseBalancer(values.balancer),
    restarts: positiveCount(values.restarts, 'restarts'),
    busyClients: count(values.busy, 'busy'),
    slowClients: count(values.slow, 'slow'),
    drainDelayMs: count(values['drain-delay-ms'], 'drain-delay-ms'),
    settleMs: count(values['settle-ms'], 'settle-ms'),
    onRestart: (done, { answered, lost }) =>
      process.stderr.write(`restart ${done}: ${answered} answered, ${lost} lost\n`),
  }
}

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

async function run(options: RollingRestartOptions): Promise<void> {
  const report = await rollingRestart(options)
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  if (report.lost > 0 || report.answered === 0) process.exitCode = 1
}

await runOrdered(readArguments, run)
