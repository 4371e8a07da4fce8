/** Who this is, for those that it calls: the version of this package, and the name with it. */
import { readFileSync } from 'node:fs'
import { parseJsonText } from '../protocol/strict-json.ts'

const LEVELS_UP_MAX = 6

/** Of `package.json` above this module, wherever the compiled code has been put. */
export const PACKAGE_VERSION = packageVersion()

/** `User-Agent` of every call of our own (RFC 9110 §10.1.5): firewalls refuse those without. */
export const USER_AGENT = `sallyport/${PACKAGE_VERSION}`

function packageVersion(): string {
  for (let up = '../'; up.length <= LEVELS_UP_MAX * 3; up += '../') {
    const version = versionAt(new URL(`${up}package.json`, import.meta.url))
    if (version !== null) return version
  }
  return 'unknown'
}

function versionAt(file: URL): string | null {
  try {
    const content = parseJsonText(readFileSync(file, 'utf8'))
    return content !== null && 'version' in content ? String(content['version']) : null
  } catch {
    return null
  }
}
