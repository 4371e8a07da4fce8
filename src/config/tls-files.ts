/** Checks whether the two files of a TLS server can serve together, before anything is started. */
import { certificateIn, NO_CERTIFICATE, NO_PRIVATE_KEY, privateKeyIn } from './pem.ts'

interface TlsFileProblem {
  readonly setting: 'certFile' | 'keyFile'
  readonly message: string
}

/**
 * Checks that the one holds a certificate (the first one in it counts), and the other its private
 * key. Not checked: names, dates, the rest of the chain, and whether clients will accept any of it.
 */
export function tlsFileProblems(certificatePem: Buffer, keyPem: Buffer): readonly TlsFileProblem[] {
  const problems: TlsFileProblem[] = []
  const certificate = certificateIn(certificatePem)
  const key = privateKeyIn(keyPem)
  if (certificate === null) {
    problems.push({ setting: 'certFile', message: NO_CERTIFICATE })
  }
  if (key === null) {
    problems.push({ setting: 'keyFile', message: NO_PRIVATE_KEY })
  }
  if (certificate !== null && key !== null && !certificate.checkPrivateKey(key)) {
    problems.push({
      setting: 'keyFile',
      message: 'holds a key that does not belong to the certificate in certFile',
    })
  }
  return problems
}
