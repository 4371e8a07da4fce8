/** The configurations of docs/providers.md, as its readers copy them. */
import assert from 'node:assert/strict'
import { parse } from 'yaml'
import { readRepositoryFile } from '../architecture/repository.ts'
import { blocksIn } from './document-blocks.ts'

export interface DocumentedProvider {
  /** Heading of the section. */
  readonly title: string
  /** YAML of a whole configuration. */
  readonly text: string
}

/** What the secrets of the blocks are called. */
export const DOCUMENTED_SECRETS: Readonly<Record<string, string>> = {
  INTROSPECTION_SECRET: 'a secret of the documents',
}

/** Each section with a block, in their order. */
export function documentedProviders(): readonly DocumentedProvider[] {
  const sections = readRepositoryFile('docs/providers.md').text.split(/^## /m).slice(1)
  return sections.flatMap((section) => {
    const [title = ''] = section.split('\n', 1)
    const [text] = blocksIn(section, 'yaml')
    return text === undefined ? [] : [{ title, text }]
  })
}

/** The configuration of one section, parsed. */
export function documentedConfiguration(title: string): Readonly<Record<string, unknown>> {
  const found = documentedProviders().find((provider) => provider.title === title)
  assert.ok(found, `docs/providers.md has no block for ${title}`)
  return parse(found.text) as Record<string, unknown>
}
