/** A login service as there are many: Express, express-session, connect-redis. */
import { createServer } from 'node:http'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { listen } from './listening-port.ts'
import type { RedisServer } from './redis-server.ts'

const WEEK_SECONDS = 604_800

export type ExpressLogin = Awaited<ReturnType<typeof startExpressLogin>>

/** @param options Of its sessions, on top of the usual ones. */
export async function startExpressLogin(
  redis: RedisServer,
  secret: string,
  options: Partial<session.SessionOptions> = {},
) {
  const client = createClient({ url: `redis://${redis.address}` })
  await client.connect()
  const app = express()
  app.use(
    session({
      store: new RedisStore({ client, prefix: 'sess:' }),
      secret,
      resave: false,
      saveUninitialized: true,
      ...options,
    }),
  )
  app.get('/visit', (_request, response) => {
    response.send('welcome')
  })
  app.get('/login', (request, response) => {
    Object.assign(request.session, { user: { id: 'alice', roles: ['user'] }, orgId: 'acme' })
    response.send('logged in')
  })
  app.get('/remember-me', (request, response) => {
    Object.assign(request.session, { user: { id: 'alice' } })
    request.session.cookie.maxAge = WEEK_SECONDS * 1_000
    response.send('logged in')
  })
  app.get('/login-by-number', (request, response) => {
    Object.assign(request.session, { user: { id: 42 } })
    response.send('logged in')
  })
  app.get('/logout', (request, response) => {
    request.session.destroy(() => response.send('logged out'))
  })
  const server = createServer(app)
  const port = await listen(server)
  return {
    /** @returns The cookie that it sets, or the one it was given. */
    async get(path: string, given = ''): Promise<string> {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie: given } })
      await answer.text()
      return answer.headers.get('set-cookie')?.split(';')[0] ?? given
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await client.close()
    },
  }
}
