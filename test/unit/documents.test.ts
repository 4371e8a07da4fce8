/** The generated documents: in step with the code, and complete. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { generatedDocuments } from '../../src/cli/documents.ts'
import { configurationJsonSchema } from '../../src/config/schema.ts'
import { AUTH_ERROR_CODES } from '../../src/protocol/auth-error.ts'

describe('Generated documents', () => {
  for (const [name, text] of generatedDocuments()) {
    it(`docs/${name} says what the code says (otherwise: npm run docs)`, () => {
      assert.equal(readFileSync(join('docs', name), 'utf8'), text)
    })
  }

  it('describe every error code', () => {
    const manual = generatedDocuments().get('errors.md') ?? ''
    assert.ok(AUTH_ERROR_CODES.length > 10)
    for (const code of AUTH_ERROR_CODES) assert.ok(manual.includes(`| \`${code}\` |`), code)
  })
})

type SchemaNode = Readonly<Record<string, unknown>>

describe('JSON Schema of the configuration', () => {
  const nodes: (readonly [string, SchemaNode])[] = []
  collect('', configurationJsonSchema())

  function collect(path: string, node: unknown): void {
    if (typeof node !== 'object' || node === null) return
    const { properties, items, additionalProperties, anyOf, oneOf } = node as SchemaNode
    nodes.push([path, node as SchemaNode])
    for (const [key, child] of Object.entries(properties ?? {})) collect(`${path}.${key}`, child)
    collect(`${path}[]`, items)
    collect(`${path}.*`, additionalProperties)
    for (const branch of [anyOf, oneOf].flat()) collect(path, branch)
  }

  it('knows every level of the file', () => {
    const paths = new Set(nodes.map(([path]) => path))
    assert.ok(paths.size > 80)
    for (const path of ['.issuers.*.jwks.uri', '.routes[].require.scopes.all[]', '.server.tls']) {
      assert.ok(paths.has(path), path)
    }
  })

  it('refuses unknown keys in every section', () => {
    const sections = nodes.filter(([, node]) => node['properties'] !== undefined)
    assert.ok(sections.length > 15)
    for (const [path, node] of sections) assert.equal(node['additionalProperties'], false, path)
  })

  it('describes every setting', () => {
    for (const [path, node] of nodes) {
      const isNullBranch = node['type'] === 'null'
      const isTag = node['const'] !== undefined
      const branches = (node['anyOf'] ?? []) as SchemaNode[]
      const described = [node, ...branches].some((one) => one['description'] !== undefined)
      assert.ok(path === '' || isNullBranch || isTag || described, path)
    }
  })

  it('holds every default within its own limits', () => {
    let count = 0
    for (const [path, node] of nodes) {
      const { default: fallback, minimum, maximum } = node
      if (typeof fallback !== 'number') continue
      count += 1
      assert.ok(typeof minimum === 'number' && fallback >= minimum, path)
      assert.ok(typeof maximum === 'number' && fallback <= maximum, path)
    }
    assert.ok(count > 10)
  })

  it('holds every default in its own grammar', () => {
    let count = 0
    for (const [path, node] of nodes) {
      const { default: fallback, pattern, enum: words } = node
      if (typeof fallback !== 'string') continue
      count += 1
      if (typeof pattern === 'string') assert.match(fallback, new RegExp(pattern), path)
      if (Array.isArray(words)) assert.ok(words.includes(fallback), path)
    }
    assert.ok(count > 20)
  })
})
