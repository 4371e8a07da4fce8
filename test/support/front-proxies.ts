/** Proxies that stand in front of gateways, as real processes with little more than defaults. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type StartedProcess, startProcess } from '../../loadtest/child-process.ts'
import { missingProgram } from './missing-program.ts'
import { reservePort } from './reserved-port.ts'

export interface FrontProxy {
  readonly name: string
  /** `false`, or what is missing here. */
  readonly missing: string | false
  /** @returns Its port; it ends with {@link stop}. */
  start(gatewayPort: number): Promise<number>
  stop(): Promise<void>
}

/** @param directory For what they write. */
export function frontProxies(directory: string): readonly FrontProxy[] {
  return [
    nginx('nginx', directory, VERSION_1_1),
    nginx('nginx that streams', directory, `${VERSION_1_1} ${STREAMING}`),
    envoy(directory),
  ]
}

const VERSION_1_1 = 'proxy_http_version 1.1; proxy_set_header Host $host;'
/** It holds the whole upload, and closes each connection, unless it is told otherwise. */
const STREAMING = 'proxy_request_buffering off; proxy_set_header Connection "";'

/** Its workers, who leave that otherwise, must be able to write what they hold. */
const AS_ROOT = process.getuid?.() === 0 ? 'user root;' : ''

function nginx(name: string, directory: string, settings: string): FrontProxy {
  return proxy(name, 'nginx', '-v', (port, gatewayPort) => {
    const file = join(directory, `nginx-${port}.conf`)
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((kind) => `${kind}_temp_path ${join(directory, kind)};`)
      .join(' ')
    writeFileSync(
      file,
      `daemon off; worker_processes 1; ${AS_ROOT} pid ${join(directory, `nginx-${port}.pid`)};
      error_log ${join(directory, 'nginx.log')}; events {}
      http {
        access_log off; client_max_body_size 100m; ${temporary}
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://127.0.0.1:${gatewayPort}; ${settings}
          }
        }
      }`,
    )
    return ['-p', directory, '-c', file, '-e', join(directory, 'nginx.log')]
  })
}

/** `proxy_pass` and nothing else: HTTP/1.0, and a connection for each request. */
export function bareNginx(directory: string): FrontProxy {
  return nginx('nginx by default', directory, '')
}

/** With its default health check, which is `OPTIONS / HTTP/1.0`, and one that asks for a path. */
export function checkingHaproxy(directory: string): FrontProxy {
  return proxy('HAProxy', 'haproxy', '-v', (port, gatewayPort) => {
    const file = join(directory, `haproxy-${port}.cfg`)
    const server = `server gateway 127.0.0.1:${gatewayPort} check inter 200ms fall 1 rise 1`
    writeFileSync(
      file,
      `defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:${port}
  use_backend asked if { path_beg /asked }
  default_backend plain
backend plain
  option httpchk
  ${server}
backend asked
  option httpchk GET /health/ready
  ${server}
`,
    )
    return ['-f', file]
  })
}

function envoy(directory: string): FrontProxy {
  return proxy('Envoy', 'envoy', '--version', (port, gatewayPort) => {
    const file = join(directory, `envoy-${port}.json`)
    const address = (number: number) => ({
      socket_address: { address: '127.0.0.1', port_value: number },
    })
    const ofType = (name: string) => `type.googleapis.com/envoy.extensions.filters.${name}`
    const manager = {
      '@type': ofType('network.http_connection_manager.v3.HttpConnectionManager'),
      stat_prefix: 'front',
      route_config: {
        virtual_hosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [{ match: { prefix: '/' }, route: { cluster: 'gateway' } }],
          },
        ],
      },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: { '@type': ofType('http.router.v3.Router') },
        },
      ],
    }
    const listener = {
      address: address(port),
      filter_chains: [
        {
          filters: [
            { name: 'envoy.filters.network.http_connection_manager', typed_config: manager },
          ],
        },
      ],
    }
    const endpoint = { endpoint: { address: address(gatewayPort) } }
    const cluster = {
      name: 'gateway',
      load_assignment: {
        cluster_name: 'gateway',
        endpoints: [{ lb_endpoints: [endpoint] }],
      },
    }
    const resources = { listeners: [listener], clusters: [cluster] }
    writeFileSync(file, JSON.stringify({ static_resources: resources }))
    return ['-c', file, '--concurrency', '1', '-l', 'error', '--base-id', String(port)]
  })
}

/** @param configure Writes what it reads. Gives its arguments. */
function proxy(
  name: string,
  command: string,
  probe: string,
  configure: (port: number, gatewayPort: number) => readonly string[],
): FrontProxy {
  let started: StartedProcess | null = null
  return {
    name,
    missing: missingProgram(command, [probe]),
    async start(gatewayPort) {
      const port = await reservePort()
      started = await startProcess(command, configure(port, gatewayPort), port)
      return port
    },
    async stop() {
      await started?.stop()
    },
  }
}
