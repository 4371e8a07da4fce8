/** Tells whether the files of a certificate hold what they held when they were checked. */
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TlsFiles } from '../server/native-apps.ts'

/** @throws When one of them cannot be read. */
export function certificateDigest({ certFile, keyFile }: TlsFiles): string {
  return digestOf(readFileSync(certFile), readFileSync(keyFile))
}

export function digestOf(certificate: Buffer, key: Buffer): string {
  const parts = [certificate, key].map((part) => hash('sha256', part, 'hex'))
  return parts.join()
}
