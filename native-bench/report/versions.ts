/** Which releases of native code and of packages a figure is of. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_ROOT } from '../../loadtest/project-root.ts'

export interface Version {
  readonly name: string
  readonly version: string
}

const PACKAGES = join(PROJECT_ROOT, 'node_modules')
const BINDING_SCOPE = '@node-rs'
const BINDING = 'jsonwebtoken'

/** Node, its OpenSSL, what else checks signatures, the server and the client. */
export function installedVersions(): readonly Version[] {
  const { node, v8, openssl } = process.versions
  return [
    { name: 'Node', version: node },
    { name: 'V8', version: v8 },
    { name: 'OpenSSL', version: openssl },
    ...bindingPackages().map(packageVersion),
    packageVersion('uWebSockets.js'),
    packageVersion('undici'),
  ]
}

/** The binding, and its binary for this platform where there is one. */
function bindingPackages(): readonly string[] {
  try {
    return readdirSync(join(PACKAGES, BINDING_SCOPE))
      .filter((name) => name === BINDING || name.startsWith(`${BINDING}-`))
      .sort()
      .map((name) => `${BINDING_SCOPE}/${name}`)
  } catch {
    return [`${BINDING_SCOPE}/${BINDING}`]
  }
}

/** Of a package that may be a fork under another's name: its own version. */
function packageVersion(name: string): Version {
  try {
    const manifest = JSON.parse(readFileSync(join(PACKAGES, name, 'package.json'), 'utf8')) as {
      readonly version: string
    }
    return { name, version: manifest.version }
  } catch {
    return { name, version: 'not installed' }
  }
}
