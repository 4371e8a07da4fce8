/** The proxies for which `check --proxy` knows settings. */
export const CALLERS = ['nginx', 'haproxy', 'envoy', 'traefik', 'caddy'] as const

export type Caller = (typeof CALLERS)[number]

export function isCaller(word: string): word is Caller {
  return (CALLERS as readonly string[]).includes(word)
}
