/** The TCP balancers that rolling restarts are tried behind, as operators set them up. */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reservePort } from '../../test/support/reserved-port.ts'
import { startProcess } from '../child-process.ts'
import { TcpBalancer } from './tcp-balancer.ts'

export interface RunningBalancer {
  readonly port: number
  stop(): Promise<void>
}

export interface Balancer {
  readonly name: string
  /** Whether it can be started on this machine. */
  readonly isInstalled: () => boolean
  /** @param folder For its files. */
  start(ports: readonly number[], folder: string): Promise<RunningBalancer>
}

/** Where Debian has the part of nginx that balances TCP; elsewhere it is built in. */
const NGINX_STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

/**
 * No retries and no redispatch: a connection that an instance refuses would be seen. Without a
 * version HAProxy asks in HTTP/1.0, which the native server answers with 505.
 */
function haproxyConfiguration(port: number, ports: readonly number[]): string {
  const servers = ports.map((it) => `  server gateway-${it} 127.0.0.1:${it} check`)
  return `global
  maxconn 4096
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  retries 0
listen gateways
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk
  http-check send meth GET uri /health/ready ver HTTP/1.1 hdr Host gateways
  http-check expect status 200
  default-server inter 500ms fall 2 rise 2
${servers.join('\n')}
`
}

/**
 * It asks no instance whether it is ready: a new connection that is refused goes to the next one.
 */
function nginxConfiguration(port: number, ports: readonly number[], folder: string): string {
  const module = existsSync(NGINX_STREAM_MODULE) ? `load_module ${NGINX_STREAM_MODULE};\n` : ''
  const servers = ports.map((it) => `    server 127.0.0.1:${it} max_fails=1 fail_timeout=1s;`)
  return `${module}daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'nginx.error')} warn;
events { worker_connections 4096; }
stream {
  upstream gateways {
${servers.join('\n')}
  }
  server {
    listen 127.0.0.1:${port};
    proxy_pass gateways;
    proxy_connect_timeout 3s;
    proxy_timeout 60s;
    proxy_next_upstream on;
  }
}
`
}

function isCommand(command: string): boolean {
  return spawnSync(command, ['-v'], { stdio: 'ignore' }).status === 0
}

const haproxy: Balancer = {
  name: 'haproxy',
  isInstalled: () => isCommand('haproxy'),
  async start(ports, folder) {
    const port = await reservePort()
    const file = join(folder, 'haproxy.cfg')
    writeFileSync(file, haproxyConfiguration(port, ports))
    const started = await startProcess('haproxy', ['-db', '-f', file], port)
    return { port, stop: () => started.stop() }
  },
}

const nginx: Balancer = {
  name: 'nginx',
  isInstalled: () => isCommand('nginx'),
  async start(ports, folder) {
    const port = await reservePort()
    const file = join(folder, 'nginx.conf')
    writeFileSync(file, nginxConfiguration(port, ports, folder))
    const started = await startProcess('nginx', ['-p', folder, '-c', file], port)
    return { port, stop: () => started.stop() }
  },
}

const builtIn: Balancer = {
  name: 'built-in',
  isInstalled: () => true,
  async start(ports) {
    const balancer = await TcpBalancer.start(ports)
    return { port: balancer.port, stop: () => balancer.stop() }
  },
}

export const BALANCERS: readonly Balancer[] = [haproxy, nginx, builtIn]
