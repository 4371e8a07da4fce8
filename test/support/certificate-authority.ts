/** A private certificate authority, as a company or a cluster has one, made anew for a test. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'

/** PEM. */
interface IssuedCertificate {
  readonly cert: string
  readonly key: string
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export class CertificateAuthority {
  /** Of the authority itself, as PEM. */
  readonly certificate: string
  readonly #directory = mkdtempSync(join(tmpdir(), 'sallyport-ca-'))
  #issued = 0

  constructor() {
    after(() => rmSync(this.#directory, { recursive: true }))
    this.certificate = this.#make('ca', ['-subj', '/CN=Private CA']).cert
  }

  /** @param names Such as `DNS:keycloak.corp.example` or `IP:127.0.0.1`. */
  issue(...names: readonly string[]): IssuedCertificate {
    this.#issued += 1
    const signer = ['-CA', this.#path('ca.pem'), '-CAkey', this.#path('ca.key')]
    const [first = ''] = names
    const commonName = first.slice(first.indexOf(':') + 1)
    const subject = ['-subj', `/CN=${commonName}`, '-addext', `subjectAltName=${names.join()}`]
    const isNone = ['-addext', 'basicConstraints=critical,CA:FALSE']
    return this.#make(`issued-${this.#issued}`, [...subject, ...isNone, ...signer])
  }

  #make(name: string, words: readonly string[]): IssuedCertificate {
    const [cert, key] = [this.#path(`${name}.pem`), this.#path(`${name}.key`)]
    const request = ['req', '-x509', '-days', '2', ...NEW_KEY, '-keyout', key, '-out', cert]
    execFileSync('openssl', [...request, ...words], { stdio: 'ignore' })
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  }

  #path(name: string): string {
    return join(this.#directory, name)
  }
}
