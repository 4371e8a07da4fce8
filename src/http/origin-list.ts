/**
 * Origins of pages, as a configuration lists them: written out, or `https://*.example.com` for
 * those of every host below one.
 *
 * The `*` stands for one label or more, and only in front of a name of two labels at least. Scheme
 * and port are those that are written; the host itself is not one of those below it.
 */
import { httpOrigin } from './http-url.ts'

const ANY_BELOW = '//*.'

/** What `*` may stand for; a browser writes hosts in lower case, other scripts in ASCII. */
const LABELS = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

/** Ends with a name of two labels, and perhaps a port. */
const BELOW_NAME = /^https?:\/\/\*\.[^/.:]+\.[^/.:]+[^/]*$/

export const ORIGIN_PATTERN_PROBLEM =
  'must be an origin such as https://app.example.com, or https://*.example.com for every host ' +
  'below, without path, query and credentials'

/** The entry in its one spelling, or `null`. */
export function originPattern(value: string): string | null {
  if (!value.includes('*')) return httpOrigin(value)
  if (!BELOW_NAME.test(value.replace(/\/$/, ''))) return null
  const one = httpOrigin(value.replace(ANY_BELOW, '//any.'))
  return one === null ? null : one.replace('//any.', ANY_BELOW)
}

interface HostsBelow {
  /** `https://` */
  readonly scheme: string
  /** `.example.com:8443` */
  readonly ending: string
}

export class OriginList {
  readonly #exact: ReadonlySet<string>
  readonly #below: readonly HostsBelow[]

  /** @param entries In their one spelling: {@link originPattern}. */
  constructor(entries: readonly string[]) {
    this.#exact = new Set(entries)
    this.#below = entries.filter((entry) => entry.includes('*')).map(hostsBelow)
  }

  /** @param origin As a browser sends it, or anything else that came in its place. */
  has(origin: string): boolean {
    if (this.#below.length === 0) return this.#exact.has(origin)
    if (origin.includes('*')) return false
    return this.#exact.has(origin) || this.#below.some((hosts) => isBelow(origin, hosts))
  }
}

/** By list: tenants share a few, and come and go. */
const compiled = new WeakMap<readonly string[], OriginList>()

/** @param entries Not changed from then on. */
export function originListOf(entries: readonly string[]): OriginList {
  let list = compiled.get(entries)
  if (list === undefined) {
    list = new OriginList(entries)
    compiled.set(entries, list)
  }
  return list
}

function hostsBelow(entry: string): HostsBelow {
  const star = entry.indexOf('*')
  return { scheme: entry.slice(0, star), ending: entry.slice(star + 1) }
}

function isBelow(origin: string, { scheme, ending }: HostsBelow): boolean {
  if (origin.length <= scheme.length + ending.length) return false
  if (!origin.startsWith(scheme) || !origin.endsWith(ending)) return false
  return LABELS.test(origin.slice(scheme.length, origin.length - ending.length))
}
