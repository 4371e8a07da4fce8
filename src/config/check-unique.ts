/** A check that lists of names and addresses share. */
import type { Complain, ConfigPath } from './config-error.ts'

export function checkUnique(path: ConfigPath, items: readonly string[], complain: Complain): void {
  items.forEach((item, index) => {
    if (items.indexOf(item) < index) complain([...path, index], 'is listed twice')
  })
}
