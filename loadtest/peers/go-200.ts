/** Starts a server in Go that decides nothing, where Go is installed. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { installedVersion } from '../installed-version.ts'
import { type Peer, skipped } from '../peer.ts'
import { PROJECT_ROOT } from '../project-root.ts'

const SOURCE = join(PROJECT_ROOT, 'loadtest', 'peers', 'go-200.go')

export const go200Peer: Peer = {
  name: 'go-200',
  work: 'net/http of Go, answers 200 and looks at nothing',
  decides: true,
  async start(context) {
    const version = installedVersion('go', 'version', /version go(\S+)/)
    if (version === null) return skipped('go', 'not installed')
    const program = join(context.folder, 'go-200')
    const built = spawnSync('go', ['build', '-o', program, SOURCE], { encoding: 'utf8' })
    if (built.status !== 0) return skipped('go', built.stderr)
    const port = await reservePort()
    const threads = { GOMAXPROCS: String(context.threads) }
    const started = await startProcess(program, [String(port)], port, threads)
    return { status: 'running', port, version: `Go ${version}`, ...started }
  },
}
