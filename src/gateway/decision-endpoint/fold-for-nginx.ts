/**
 * Refusals as `auth_request` of nginx can take them: it knows 401 and 403, and makes an error 500
 * of everything else that is no success.
 */
import type { HeaderList } from '../../http/header-list.ts'
import type { FoldedAnswer } from './asked-exchange.ts'

const UNAUTHENTICATED = '401 Unauthorized'
const FORBIDDEN = '403 Forbidden'
/** Statuses that nginx takes as they are. */
const TAKEN = /^(?:2|401|403)/

/**
 * A redirection to a login page becomes 401 and keeps its `Location`, for `error_page` to send the
 * browser there; everything else that nginx does not know becomes 403. What it would have been is
 * in `X-Sallyport-Status`.
 */
export function foldForNginx(status: string, headers: HeaderList): FoldedAnswer {
  if (TAKEN.test(status)) return { status, headers }
  const told = [...headers, 'x-sallyport-status', status.slice(0, 3)]
  return { status: status.startsWith('3') ? UNAUTHENTICATED : FORBIDDEN, headers: told }
}
