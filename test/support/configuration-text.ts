/** Configurations for tests: the least that is good, and ways to say what is wrong with one. */
import assert from 'node:assert/strict'
import { ConfigError, type ConfigProblem } from '../../src/config/config-error.ts'
import type { Environment } from '../../src/config/interpolate.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import type { MachineLimits } from '../../src/config/machine-limits.ts'
import type { GatewayConfiguration } from '../../src/config/sections.ts'

/** Only what is needed to start. */
export const LEAST_CONFIGURATION = `
issuers:
  main:
    issuer: https://idp.example.com/
    audiences: [api.example.com]
    jwks: { uri: https://idp.example.com/keys }
upstreams:
  users: { targets: ['http://127.0.0.1:9500'] }
routes:
  - { name: users, match: { path: '/users/*' }, upstream: users }
`

/** The issuers of configurations that are written as objects. */
export const ISSUERS = {
  main: {
    issuer: 'https://idp.example.com/',
    audiences: ['api'],
    jwks: { uri: 'https://idp.example.com/keys' },
  },
}

interface Surroundings {
  readonly environment?: Environment
  readonly machine?: MachineLimits
  readonly directory?: string
}

export function parseText(text: string, surroundings: Surroundings = {}): GatewayConfiguration {
  const machine = { cores: 4, memoryBytes: null }
  return parseConfig(text, { environment: {}, machine, directory: '/', ...surroundings })
}

/** The problems with a text, which must have some. */
export function problemsOf(
  text: string,
  surroundings: Surroundings = {},
): readonly ConfigProblem[] {
  try {
    parseText(text, surroundings)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    return error.problems
  }
  assert.fail('the configuration was accepted')
}

/** `path message` of each problem. */
export function problemLinesOf(text: string, surroundings: Surroundings = {}): readonly string[] {
  return problemsOf(text, surroundings).map(({ path, message }) => `${path} ${message}`.trim())
}
