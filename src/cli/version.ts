/** The version of this package. */
import { readFileSync } from 'node:fs'

/** Reads `package.json` above this module, wherever the compiled code has been put. */
export function packageVersion(): string {
  for (let up = '../'; up.length <= MAX_LEVELS_UP * 3; up += '../') {
    const version = versionAt(new URL(`${up}package.json`, import.meta.url))
    if (version !== null) return version
  }
  return 'unknown'
}

const MAX_LEVELS_UP = 6

function versionAt(file: URL): string | null {
  try {
    const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const isOurs = typeof content === 'object' && content !== null && 'version' in content
    return isOurs ? String(content.version) : null
  } catch {
    return null
  }
}
