/** Settings of revocation: defaults that follow from others, and what cannot be meant. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { complaintsOf, LEAST_CONFIGURATION, parseText } from '../support/configuration-text.ts'

const REDIS = 'redis: { nodes: ["127.0.0.1:6379"] }\n'

function revocationOf(more: string) {
  return parseText(`${LEAST_CONFIGURATION}${more}`).revocation
}

describe('settings of revocation', () => {
  it('keep revocations here without Redis, and share them with it unless told otherwise', () => {
    assert.equal(revocationOf('').redis, false)
    assert.equal(revocationOf(REDIS).redis, true)
    assert.equal(revocationOf(`${REDIS}revocation: { redis: false }\n`).redis, false)
  })

  it('keep them for a day, and for as long as sessions live where that is longer', () => {
    assert.equal(revocationOf('').credentialLifeMaxSeconds, 86_400)
    assert.equal(
      revocationOf('sessions: { store: memory, absoluteTtl: 48h }\n').credentialLifeMaxSeconds,
      172_800,
    )
    const longer = 'revocation: { credentialLifetimeMax: 72h }\n'
    assert.equal(revocationOf(longer).credentialLifeMaxSeconds, 259_200)
  })

  it('end a subject with a logout unless told otherwise', () => {
    assert.equal(parseText(LEAST_CONFIGURATION).issuers[0]?.logoutRevokes, 'subject')
  })

  const cases: readonly (readonly [string, string, string])[] = [
    [
      'sharing without a Redis',
      'revocation: { redis: true }\n',
      'revocation.redis needs the section redis',
    ],
    [
      'parts of seconds',
      'revocation: { credentialLifetimeMax: 90500ms }\n',
      'revocation.credentialLifetimeMax must be whole seconds',
    ],
    [
      'a prefix that sessions have',
      `${REDIS}sessions: {}\nrevocation: { keyPrefix: "sess:revoked:" }\n`,
      'revocation.keyPrefix must differ from those of sessions and apiKeys, ' +
        'and neither may begin with the other',
    ],
  ]
  for (const [what, more, complaint] of cases) {
    it(`refuse ${what}`, () => {
      assert.deepEqual(complaintsOf(`${LEAST_CONFIGURATION}${more}`), [complaint])
    })
  }
})
