/** What the documents tell their readers to copy, so that tests run just that. */
import assert from 'node:assert/strict'
import { readRepositoryFile } from '../architecture/repository.ts'

const FENCED = /^```([a-z]*)\n([\s\S]*?)^```$/gm

/** The contents of all fenced blocks of a language, in their order. */
function blocksOf(path: string, language: string): readonly string[] {
  return blocksIn(readRepositoryFile(path).text, language)
}

/** The same of a part of a document. */
export function blocksIn(text: string, language: string): readonly string[] {
  return [...text.matchAll(FENCED)]
    .filter(([, marked]) => marked === language)
    .map(([, , content = '']) => content)
}

/** The first fenced block of a language that has these words. */
export function blockWith(path: string, language: string, words: string): string {
  const found = blocksOf(path, language).find((content) => content.includes(words))
  assert.ok(found !== undefined, `${path} has a block for ${language} with: ${words}`)
  return found
}

/** The first line of a block for the shell that has these words, without its comment. */
export function commandWith(path: string, words: string): string {
  const line = blocksOf(path, 'sh')
    .flatMap((content) => content.split('\n'))
    .find((candidate) => candidate.includes(words))
  assert.ok(line !== undefined, `${path} has a command with: ${words}`)
  return line.replace(/\s+# .*$/, '')
}

/** The first piece of code within a sentence or a table that has these words. */
export function inlineWith(path: string, words: string): string {
  const { text } = readRepositoryFile(path)
  const found = [...text.replace(FENCED, '').matchAll(/`([^`\n]+)`/g)]
    .map(([, code = '']) => code)
    .find((code) => code.includes(words))
  assert.ok(found !== undefined, `${path} has within a sentence: ${words}`)
  return found
}
