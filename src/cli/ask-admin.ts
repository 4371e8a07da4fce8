/** Asks the admin listener of a gateway that runs. */
import { parseJsonText } from '../protocol/strict-json.ts'

interface AdminQuestion {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: object | null
}

type AdminReply =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problem: string }

/** Longer than an explanation takes (supervisor/running-listeners.ts). */
const TIMEOUT_MS = 14_000
const STATUS_OK = 200

/** Never rejects. What the other side says is shown only where it is a problem document. */
export async function askAdmin(
  { url, token }: { readonly url: string; readonly token: string | null },
  { method, path, body }: AdminQuestion,
): Promise<AdminReply> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (token !== null) headers['authorization'] = `Bearer ${token}`
  if (body !== null) headers['content-type'] = 'application/json'
  try {
    const response = await fetch(`${url.replace(/\/+$/, '')}${path}`, {
      method,
      headers,
      body: body === null ? null : JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const answered = parseJsonText(await response.text())
    if (response.status === STATUS_OK && answered !== null) return { ok: true, body: answered }
    const message = answered?.['message']
    const told = typeof message === 'string' ? `: ${message}` : ''
    // The main listener's problems have a code, those of the admin listener have none.
    const isOther = typeof message !== 'string' || answered?.['error'] !== undefined
    const doubt = isOther ? '; is this the admin listener?' : ''
    return { ok: false, problem: `${url} answers with ${response.status}${told}${doubt}` }
  } catch {
    return { ok: false, problem: `no answer from ${url}: is this the admin listener, and running?` }
  }
}
