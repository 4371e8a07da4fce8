/** The version of this package. */
import { readFileSync } from 'node:fs'
import { parseJsonText } from '../protocol/strict-json.ts'

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
    const content = parseJsonText(readFileSync(file, 'utf8'))
    return content !== null && 'version' in content ? String(content['version']) : null
  } catch {
    return null
  }
}
