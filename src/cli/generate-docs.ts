/** Writes the generated documents into `docs/` of the working directory: `npm run docs`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generatedDocuments } from './documents.ts'
import { terminal } from './terminal.ts'

mkdirSync('docs', { recursive: true })
for (const [name, text] of generatedDocuments()) {
  const file = join('docs', name)
  writeFileSync(file, text)
  terminal.print(file)
}
