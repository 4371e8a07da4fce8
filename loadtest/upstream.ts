/** The upstream of the load tests, a process of its own: answers two bytes to everything. */
import { nativeServer } from './native-server.ts'
import { UPSTREAM_BODY } from './scenario.ts'

const server = nativeServer()
server
  .App()
  .any('/*', (response) => {
    response.writeHeader('content-type', 'text/plain').end(UPSTREAM_BODY)
  })
  .listen('127.0.0.1', Number(process.argv[2]), (socket) => {
    if (!socket) process.exit(1)
  })
