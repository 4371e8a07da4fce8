/** A real nginx as the service: virtual hosts, locations and connections with its own settings. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type StartedProcess, startProcess } from '../../loadtest/child-process.ts'
import { CertificateAuthority } from '../support/certificate-authority.ts'
import { missingProgram } from '../support/missing-program.ts'
import { reservePort } from '../support/reserved-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const skip = missingProgram('nginx', ['-v'])

const directory = mkdtempSync(join(tmpdir(), 'sallyport-nginx-'))
const file = (name: string) => join(directory, name)
let nginx: StartedProcess
let gateway: TestGateway

function configuration(plain: number, secure: number): string {
  return `
daemon off; master_process off; pid ${file('pid')}; error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${file('tmp/a')}; proxy_temp_path ${file('tmp/b')};
  fastcgi_temp_path ${file('tmp/c')}; uwsgi_temp_path ${file('tmp/d')}; scgi_temp_path ${file('tmp/e')};
  default_type text/plain;
  server { listen 127.0.0.1:${plain} default_server; return 421 "no such host: $host"; }
  server {
    listen 127.0.0.1:${plain};
    server_name shop.internal;
    keepalive_timeout 75s 1s;
    location /v2/ { return 200 "$request_uri $http_x_forwarded_prefix $connection_requests"; }
  }
  server {
    listen 127.0.0.1:${secure} ssl;
    ssl_certificate ${file('service.pem')}; ssl_certificate_key ${file('service.key')};
    ssl_client_certificate ${file('ca.pem')}; ssl_verify_client on;
    return 200 "$ssl_client_s_dn $ssl_server_name $ssl_protocol $host";
  }
}
`
}

before(async () => {
  if (skip !== false) return
  const authority = new CertificateAuthority()
  const service = authority.issue('DNS:secure.internal')
  const own = authority.issue('DNS:gateway.internal')
  const files = {
    'ca.pem': authority.certificate,
    'service.pem': service.cert,
    'service.key': service.key,
    'own.pem': own.cert,
    'own.key': own.key,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(file(name), text)
  mkdirSync(file('tmp'))
  const [plain, secure] = [await reservePort(), await reservePort()]
  writeFileSync(file('nginx.conf'), configuration(plain, secure))
  nginx = await startProcess('nginx', ['-p', directory, '-c', file('nginx.conf')], secure)
  const targets = [`http://127.0.0.1:${plain}`]
  gateway = await openGateway({
    upstream: { targets, host: 'shop.internal', basePath: '/v2' },
    upstreams: {
      asked: { targets },
      secure: {
        targets: [`https://127.0.0.1:${secure}`],
        host: 'secure.internal',
        tls: { caFile: file('ca.pem'), certFile: file('own.pem'), keyFile: file('own.key') },
      },
    },
    routes: {
      '/asked/*': { upstream: 'asked' },
      '/secure/*': { upstream: 'secure' },
      '/cart/*': { stripPrefix: '/cart' },
      '/*': {},
    },
    authenticate: 'none',
  })
})

after(async () => {
  if (skip === false) {
    await gateway.stop()
    await nginx.stop()
  }
  rmSync(directory, { recursive: true })
})

describe('nginx as the service', { skip }, () => {
  it('finds its virtual host by the text for Host, and none by that of the client', async () => {
    const asked = await gateway.ask('/asked/a', { Host: 'www.example.com' })
    assert.deepEqual([asked.status, asked.text], [421, 'no such host: www.example.com'])
    const answer = await gateway.ask('/a?b=c', { Host: 'www.example.com' })
    assert.equal(answer.status, 200)
    assert.match(answer.text, /^\/v2\/a\?b=c {2}1$/)
  })

  it('finds its location behind the base path, without the prefix that it is told', async () => {
    assert.match((await gateway.ask('/cart/items/7')).text, /^\/v2\/items\/7 \/cart 1$/)
  })

  it('has no connection used again that it closes after a second', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => gateway.ask('/a')))
    for (const { text } of answers) assert.match(text, / 1$/)
  })

  it('verifies the certificate of the gateway, by the name that was asked for', async () => {
    const answer = await gateway.ask('/secure/a', { Host: 'www.example.com' })
    assert.equal(answer.status, 200, answer.text)
    assert.match(
      answer.text,
      /^CN=gateway\.internal secure\.internal TLSv1\.[23] secure\.internal$/,
    )
  })
})
