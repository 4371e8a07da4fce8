/** The text of `--help`. */
import { COMMANDS } from './arguments.ts'

/** What each command and option means, written from the table of commands. */
export function usage(): string {
  const lines = ['Sallyport, an authentication gateway for HTTP APIs', '', 'usage:']
  for (const [command, { meaning, options }] of Object.entries(COMMANDS)) {
    lines.push(row(`  sallyport ${command}`, meaning))
    for (const [name, option] of Object.entries(options)) {
      const value = option.value === null ? '' : ` ${option.value}`
      const need = option.isRequired ? ' (required)' : ''
      lines.push(row(`      --${name}${value}`, `${option.meaning}${need}`))
    }
  }
  lines.push(
    row('  sallyport --help', 'print this'),
    row('  sallyport --version', 'print the version'),
    '',
    'exit codes: 0 done, 1 failed, 2 bad arguments or bad configuration',
    '(explain: 0 the request would pass, 1 it would be refused, 2 that cannot be told)',
  )
  return lines.join('\n')
}

const MEANING_COLUMN = 30

function row(words: string, meaning: string): string {
  return `${words.padEnd(MEANING_COLUMN)}${meaning}`
}
