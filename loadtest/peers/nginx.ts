/** Starts nginx as a reverse proxy without authentication, where it is installed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { installedVersion } from '../installed-version.ts'
import { type Peer, type PeerContext, skipped } from '../peer.ts'

/** Its own folders for these may be out of reach without root. */
const TEMPORARY_FOLDERS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * Without a master the process that was started is the only one and does all the work, so that its
 * CPU time is the CPU time of nginx. Connections stay open for as many requests as there are:
 * nginx would close each after a thousand.
 */
function configuration(context: PeerContext, port: number, folder: string): string {
  const temporary = TEMPORARY_FOLDERS.map((kind) => `  ${kind}_temp_path ${join(folder, kind)};`)
  return `daemon off;
master_process off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'nginx.error')} warn;
events { worker_connections 8192; }
http {
${temporary.join('\n')}
  access_log off;
  keepalive_requests 1000000000;
  upstream upstream {
    server 127.0.0.1:${context.upstreamPort};
    keepalive 4096;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://upstream;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`
}

export const nginxPlainPeer: Peer = {
  name: 'nginx-plain',
  work: 'passes everything through, Authorization included; no authentication, no access log',
  decides: false,
  async start(context) {
    const version = installedVersion('nginx', '-v', /nginx\/(\S+)/)
    if (version === null) return skipped('nginx', 'not installed')
    const port = await reservePort()
    const folder = join(context.folder, 'nginx')
    mkdirSync(folder)
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, configuration(context, port, folder))
    const log = join(folder, 'nginx.error')
    const started = await startProcess('nginx', ['-p', folder, '-e', log, '-c', file], port)
    return { status: 'running', port, version: `nginx ${version}`, ...started }
  },
}
