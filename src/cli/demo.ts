/** `sallyport demo`: everything in one process, to try it out. */
import { PACKAGE_VERSION } from '../resilience/product.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { ProcessEnd } from './process-end.ts'
import { runUntil } from './run-until.ts'
import type { Terminal } from './terminal.ts'

/** The identity provider of the demo brings more packages than the whole gateway. */
const PACKAGE = 'oidc-provider'
const NOT_FOUND = 'ERR_MODULE_NOT_FOUND'
/** Nothing else brings it to a folder into which the package of `npm pack` was installed. */
const ADVICE = 'run it in the repository: npm install --include=dev && npm start'
const PACKAGE_MISSING = `sallyport: the demo needs ${PACKAGE}, which is not installed; ${ADVICE}`

/** Ends with 0 after SIGTERM, SIGINT or, when its terminal is closed, SIGHUP. */
export async function demo(terminal: Terminal, end: ProcessEnd): Promise<ExitCode> {
  end.endGracefully()
  const startDemo = await loadDemo()
  if (startDemo === null) {
    terminal.printError(PACKAGE_MISSING)
    return EXIT.refused
  }
  const { stop, cut } = end
  const supervision = { version: PACKAGE_VERSION, load: null, files: new Map(), stop, cut }
  await runUntil(stop, () => startDemo(terminal.print, supervision))
  return EXIT.ok
}

/** @returns `null` in an installation for production. */
async function loadDemo() {
  try {
    return (await import('../demo/demo.ts')).startDemo
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === NOT_FOUND
    if (isMissing && error.message.includes(`'${PACKAGE}'`)) return null
    throw error
  }
}
