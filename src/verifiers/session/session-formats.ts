/** What is known beforehand of the formats in which sessions are stored: one row a format. */

interface SessionFormatFacts {
  /** Name of the cookie, unless the configuration gives one. */
  readonly cookie: string
  /** What keys are made of, unless the configuration says. */
  readonly keyHash: 'sha256' | 'none'
  /** Whether the cookie is signed: its secrets must then be known. */
  readonly isCookieSigned: boolean
  /**
   * Whether the gateway writes such sessions itself. Other programs' stores are in Redis, have keys
   * of plain ids, and may let a session live for ever that does not say when it began.
   */
  readonly isOwn: boolean
}

export const SESSION_FORMATS = {
  sallyport: {
    cookie: '__Host-sid',
    keyHash: 'sha256',
    isCookieSigned: false,
    isOwn: true,
  },
  'express-session': {
    cookie: 'connect.sid',
    keyHash: 'none',
    isCookieSigned: true,
    isOwn: false,
  },
} as const satisfies Readonly<Record<string, SessionFormatFacts>>

export type SessionFormatName = keyof typeof SESSION_FORMATS

/** The first is the default. */
export const SESSION_FORMAT_NAMES = Object.keys(SESSION_FORMATS) as [
  SessionFormatName,
  ...SessionFormatName[],
]
