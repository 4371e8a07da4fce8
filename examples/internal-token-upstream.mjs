/**
 * An upstream that believes internal tokens and nothing else: Express 5 and jose.
 *
 *     sallyport serve --config examples/internal-token.yaml
 *     node examples/internal-token-upstream.mjs
 *
 * Environment: PORT (9500), JWKS_URL (http://127.0.0.1:8080/.well-known/jwks.json).
 */
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const PORT = Number(process.env.PORT ?? 9500)
const JWKS_URL = process.env.JWKS_URL ?? 'http://127.0.0.1:8080/.well-known/jwks.json'

// Keeps the keys for ten minutes, as the gateway allows, and asks again for a `kid` that is new.
const keys = createRemoteJWKSet(new URL(JWKS_URL))

const app = express()

app.use(async (request, response, next) => {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ')
  if (scheme !== 'Bearer' || token === undefined) {
    response.status(401).json({ error: 'no internal token' })
    return
  }
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer: 'gateway.internal',
      audience: 'internal-services',
      algorithms: ['ES256'],
      typ: 'at+jwt',
      requiredClaims: ['sub', 'iat', 'exp'],
      // The clocks of two machines differ a little.
      clockTolerance: 5,
    })
    request.caller = payload
  } catch (error) {
    response.status(401).json({ error: error.code ?? 'unknown' })
    return
  }
  next()
})

app.get('/{*path}', (request, response) => {
  const { sub, roles, scopes, tenant_id: tenant } = request.caller
  response.json({ caller: sub, roles, scopes, tenant, requestId: request.headers['x-request-id'] })
})

const server = app.listen(PORT, '127.0.0.1', () => {
  process.stdout.write(`listening on ${server.address().port}\n`)
})
