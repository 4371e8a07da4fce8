/** Settings of issuers for gateways whose tests need one that decides, and one that cannot. */
import { AUDIENCE, ISSUER } from './mint-token.ts'

/**
 * `main` takes tokens that are signed with the secret; `down` would have to be asked, and is not
 * there.
 *
 * @param closedPort One that nothing listens on.
 */
export function goodAndDownIssuers(secret: string, closedPort: number) {
  return {
    main: { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret },
    down: {
      issuer: 'https://down.example.com/',
      audiences: [AUDIENCE],
      introspection: {
        endpoint: `http://127.0.0.1:${closedPort}/introspect`,
        clientId: 'gateway',
        clientSecret: secret,
      },
    },
  }
}
