/** Starts Fastify as a gateway, where its packages are: the project does not depend on them. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { AUDIENCE, ISSUER } from '../credentials.ts'
import { CACHED_TOKENS, type Peer, skipped } from '../peer.ts'
import { PROJECT_ROOT } from '../project-root.ts'
import { CONNECTIONS } from '../scenario.ts'

const PROGRAM = fileURLToPath(new URL('./fastify-proxy.js', import.meta.url))
/** Names a folder whose `node_modules` has the packages, wherever it is. */
const MODULES_VARIABLE = 'SALLYPORT_LOADTEST_MODULES'
const PACKAGES = { fastify: 'fastify', jwt: '@fastify/jwt', httpProxy: '@fastify/http-proxy' }

type Packages = Readonly<Record<keyof typeof PACKAGES, string>>

/** What the program reads from its argument. */
export interface FastifyJob {
  readonly port: number
  readonly upstreamOrigin: string
  readonly connections: number
  /** The file that is loaded for each package. */
  readonly packages: Packages
  readonly publicKeyFile: string
  readonly algorithm: string
  readonly issuer: string
  readonly audience: string
  readonly cachedTokens: number
}

interface FoundPackages {
  readonly files: Packages
  /** All of them, for people. */
  readonly versions: string
}

/** @returns `null` when one of them is not there. */
function findPackages(folder: string): FoundPackages | null {
  const versions: string[] = []
  for (const name of Object.values(PACKAGES)) {
    const description = join(folder, 'node_modules', name, 'package.json')
    if (!existsSync(description)) return null
    const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version: string }
    versions.push(`${name} ${version}`)
  }
  const { resolve: find } = createRequire(join(folder, 'package.json'))
  const { fastify, jwt, httpProxy } = PACKAGES
  const files = { fastify: find(fastify), jwt: find(jwt), httpProxy: find(httpProxy) }
  return { files, versions: versions.join(', ') }
}

function howToInstall(): string {
  const install = `npm install --prefix FOLDER ${Object.values(PACKAGES).join(' ')}`
  return `not installed (${install}, and ${MODULES_VARIABLE}=FOLDER)`
}

export const fastifyPeer: Peer = {
  name: 'fastify',
  work:
    `@fastify/jwt with a cache of ${CACHED_TOKENS} tokens and @fastify/http-proxy; decodes each ` +
    'token, checks signature, alg, iss, aud and exp unless its digest is in the cache, sets ' +
    'X-User-Id, removes Authorization; no log',
  decides: false,
  async start({ credentials, upstreamPort, credential }) {
    if (credential !== 'jwt') return skipped('fastify', 'verifies JWTs only')
    const found = findPackages(resolve(process.env[MODULES_VARIABLE] ?? PROJECT_ROOT))
    if (found === null) return skipped('fastify', howToInstall())
    const port = await reservePort()
    const job: FastifyJob = {
      port,
      upstreamOrigin: `http://127.0.0.1:${upstreamPort}`,
      connections: CONNECTIONS,
      packages: found.files,
      publicKeyFile: credentials.publicKeyFile,
      algorithm: credentials.algorithm,
      issuer: ISSUER,
      audience: AUDIENCE,
      cachedTokens: CACHED_TOKENS,
    }
    const started = await startProcess(process.execPath, [PROGRAM, JSON.stringify(job)], port)
    const version = `${found.versions}, Node ${process.version}`
    return { status: 'running', port, version, ...started }
  },
}
