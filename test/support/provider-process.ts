/**
 * An OpenID provider in a process of its own, which can be killed and comes back as another one on
 * the same port. Forked with that port; keys are changed by order of the parent.
 */
import { startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { AUDIENCE } from './mint-token.ts'

/** Makes new keys, which sign from now on. */
export interface ProviderOrder {
  /** Whether the old ones stay published. */
  readonly keepOld: boolean
}

export interface ProviderReport {
  readonly issuer: string
  /** Of the key that signs. */
  readonly keyId: string
}

const provider = await startIdentityProvider({
  port: Number(process.argv[2]),
  algorithms: ['RS256'],
  audience: AUDIENCE,
  scopes: ['read', 'write'],
  claims: { sub: 'alice' },
})

function report(): void {
  const { issuer } = provider
  process.send?.({ issuer, keyId: provider.signingKeyId('RS256') } satisfies ProviderReport)
}

process.on('message', (order: ProviderOrder) => void provider.rotateKeys(order).then(report))
// The parent is gone: no other process is left that could end this one.
process.once('disconnect', () => process.exit())
report()
