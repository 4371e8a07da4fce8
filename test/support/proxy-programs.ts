/** The proxies whose configurations are among the examples, and how each is started with one. */
import { join } from 'node:path'

export interface ProxyProgram {
  readonly name: string
  readonly command: string
  /** What makes it tell its version, and end. */
  readonly versionOption: string
  readonly file: string
  readonly options: (file: string, directory: string) => readonly string[]
}

export const PROXY_PROGRAMS: readonly ProxyProgram[] = [
  {
    ...{ name: 'nginx', command: 'nginx', versionOption: '-v', file: 'nginx.conf' },
    options: (file, directory) => {
      const here = `pid ${join(directory, 'nginx.pid')}; error_log stderr; daemon off;`
      return ['-p', directory, '-e', 'stderr', '-c', file, '-g', here]
    },
  },
  {
    ...{ name: 'HAProxy', command: 'haproxy', versionOption: '-v', file: 'haproxy.cfg' },
    options: (file) => ['-db', '-f', file],
  },
  {
    ...{ name: 'Envoy', command: 'envoy', versionOption: '--version', file: 'envoy.yaml' },
    options: (file) => ['-c', file, '--concurrency', '1', '--disable-hot-restart'],
  },
]

/** The text with these addresses of the example in place of the others. */
export function withAddresses(text: string, addresses: Readonly<Record<string, number>>): string {
  let changed = text.replace(/( *- endpoint:\n)?.*\b10\.0\.0\.12\b.*\n/, '')
  for (const [address, port] of Object.entries(addresses)) {
    const [host = '', own = ''] = address.split(':')
    const places = new RegExp(`${host.replaceAll('.', '\\.')}(:|, port_value: )${own}\\b`, 'g')
    changed = changed.replace(places, `127.0.0.1$1${port}`)
  }
  return changed
}

/** The text with this port of loopback in place of port 80. */
export function listeningOn(text: string, port: number): string {
  return text.replace(/(listen |bind |0\.0\.0\.0, port_value: ):?80\b/, (_, before: string) => {
    return before.startsWith('0') ? `127.0.0.1, port_value: ${port}` : `${before}127.0.0.1:${port}`
  })
}
