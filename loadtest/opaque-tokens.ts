/** A real OpenID provider in this process, with opaque tokens that it has issued. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startIdentityProvider } from '../src/demo/identity-provider.ts'
import { AUDIENCE } from './credentials.ts'
import type { Introspection } from './peer.ts'

/** The provider answers one after the other; more at once only wait. */
const ISSUED_AT_ONCE = 16

export interface StartedOpaqueTokens {
  readonly introspection: Introspection
  /** One token a line: what the load process reads. */
  readonly tokensFile: string
  stop(): Promise<void>
}

/** Some 3 ms a token. */
export async function startOpaqueTokens(
  folder: string,
  count: number,
): Promise<StartedOpaqueTokens> {
  const provider = await startIdentityProvider({
    audience: AUDIENCE,
    scopes: ['read', 'write'],
    algorithms: ['ES256'],
  })
  const { issuer, introspectionEndpoint: endpoint, clientId, clientSecret } = provider
  const tokens: string[] = []
  let begun = 0
  const issueSome = async () => {
    while (begun < count) {
      const sub = `user-${begun}`
      begun += 1
      const claims = { sub, email: `${sub}@example.com`, roles: ['reader', 'editor'] }
      tokens.push(await provider.issueOpaqueToken({ scopes: ['read', 'write'], claims }))
    }
  }
  try {
    await Promise.all(Array.from({ length: ISSUED_AT_ONCE }, issueSome))
  } catch (error) {
    await provider.stop()
    throw error
  }
  const tokensFile = join(folder, 'opaque-tokens')
  writeFileSync(tokensFile, `${tokens.join('\n')}\n`, { mode: 0o600 })
  return {
    introspection: { issuer, endpoint, clientId, clientSecret },
    tokensFile,
    stop: () => provider.stop(),
  }
}
