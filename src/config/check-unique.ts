/** A check that lists of names and addresses share. */
import type { ConfigPath, ReportProblem } from './config-error.ts'

export function checkUnique(
  path: ConfigPath,
  items: readonly string[],
  report: ReportProblem,
): void {
  items.forEach((item, index) => {
    if (items.indexOf(item) < index) report([...path, index], 'is listed twice')
  })
}
