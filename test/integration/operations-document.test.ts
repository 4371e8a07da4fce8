/** What other files point to in docs/operations.md is there. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { projectFiles, readRepositoryFile } from '../architecture/repository.ts'

const { text } = readRepositoryFile('docs/operations.md')
/** Alerts that the rules of an installation may have, and that are explained. */
const ALERTS_MIN = 18

/** Anchors as Markdown makes them of headings, and those that are set by hand. */
function anchors(): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#{2,} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  )
  const set = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)
  return new Set([...headings, ...set])
}

describe('docs/operations.md', () => {
  it('has every heading that other files of the project point to', () => {
    const known = anchors()
    assert.ok([...known].filter((anchor) => anchor.startsWith('sallyport-')).length >= ALERTS_MIN)
    const dead = projectFiles.flatMap((file) =>
      [...file.text.matchAll(/operations\.md#([a-z0-9-]+)/g)]
        .map(([, anchor = '']) => anchor)
        .filter((anchor) => !known.has(anchor))
        .map((anchor) => `${file.path}: ${anchor}`),
    )
    const within = [...text.matchAll(/\]\(#([a-z0-9-]+)\)/g)]
      .map(([, anchor = '']) => anchor)
      .filter((anchor) => !known.has(anchor))
    assert.deepEqual([...dead, ...within], [])
  })
})
