/**
 * Hot path: drops interim answers (1xx, RFC 9110 §15.2) before the parser of the HTTP client sees
 * them. IIS sends `100 Continue` to every POST, asked for or not, and the client library takes one
 * that was not asked for as the end of the connection. 102 and 103 go the same way: the native
 * server can send none of them on.
 *
 *     WHOLE ◄──not 1xx── BEGINS ──1xx──► DROPS ──empty line──► BEGINS …
 *       │                  ▲
 *       └── next request ──┘
 *
 * What is dropped here no parser looks at, so its end must be the same to everybody: lines end in
 * CR LF, and any other CR or LF ends the connection. Else a server whose interim head ends with
 * two LF would have its final answer dropped, and what a caller may have put into that answer's
 * body be read as the next head.
 */
import { INTERIM_TOO_LARGE, MALFORMED_INTERIM, TOO_MANY_INTERIM } from './upstream-error.ts'

/** What comes goes on: an answer has begun, or none is awaited. */
const WHOLE = 0
/** An answer begins with the next byte. */
const BEGINS = 1
/** A head of 1xx, of which nothing goes on. */
const DROPS = 2
/** The connection is to end. */
const BROKEN = 3

/** Of one answer. Some servers send one a second while they work. */
const INTERIM_ANSWERS_MAX = 16

const CODE_CR = 0x0d
const CODE_LF = 0x0a
const CODE_SPACE = 0x20
const CODE_ZERO = 0x30
const CODE_ONE = 0x31
const CODE_NINE = 0x39

/** What a status line of 1xx begins with, but for its last two digits. */
const STATUS_LINE = Buffer.from('HTTP/1.1 1', 'latin1')
/** Bytes after which it is known which status it is. */
const STATUS_LINE_BYTES = STATUS_LINE.length + 2

/** Where in a line the next byte is; after CR only LF may follow. */
const IN_LINE = 0
const AFTER_CR = 1
const LINE_BEGINS = 2
const AFTER_LAST_CR = 3
/** Behind the status: a space, or the end of the line. */
const AFTER_STATUS = 4

/** Hears what is dropped, and when the connection has to end. */
export interface InterimObserver {
  onInterim(): void
  onBroken(error: Error): void
}

export class InterimAnswers {
  readonly #headBytesMax: number
  readonly #observer: InterimObserver
  #state = WHOLE
  #place = IN_LINE
  #count = 0
  #droppedBytes = 0
  /** The beginning of an answer that is too short to tell what it is. */
  #begun: Buffer | null = null

  /** @param headBytesMax Of all interim heads of one answer together. */
  constructor(headBytesMax: number, observer: InterimObserver) {
    this.#headBytesMax = headBytesMax
    this.#observer = observer
  }

  /** A request is about to be written: what comes next is the beginning of its answer. */
  begin(): void {
    this.#state = BEGINS
    this.#count = 0
    this.#droppedBytes = 0
    this.#begun = null
  }

  /** Whether what is read goes on as it is. */
  get isOver(): boolean {
    return this.#state === WHOLE
  }

  /** What of it goes on; `null`: nothing. */
  take(piece: Buffer): Buffer | null {
    if (this.#state === BEGINS && piece.length >= STATUS_LINE_BYTES && this.#begun === null) {
      // Nearly always it is a final answer, which one byte tells.
      if (piece[STATUS_LINE.length - 1] !== CODE_ONE) {
        this.#state = WHOLE
        return piece
      }
    }
    let rest: Buffer | null = piece
    while (rest !== null && rest.length > 0 && this.#state !== WHOLE) {
      rest = this.#state === BEGINS ? this.#takeBeginning(rest) : this.#drop(rest)
    }
    return rest === null || rest.length === 0 ? null : rest
  }

  #takeBeginning(piece: Buffer): Buffer | null {
    const all = this.#begun === null ? piece : Buffer.concat([this.#begun, piece])
    const known = Math.min(all.length, STATUS_LINE.length)
    if (STATUS_LINE.compare(all, 0, known, 0, known) === 0) {
      if (all.length < STATUS_LINE_BYTES) {
        this.#begun = all
        return null
      }
      if (isInterimStatus(all)) return this.#beginDropping(all)
    }
    this.#begun = null
    this.#state = WHOLE
    return all
  }

  #beginDropping(all: Buffer): Buffer | null {
    this.#begun = null
    this.#count += 1
    if (this.#count > INTERIM_ANSWERS_MAX) return this.#break(TOO_MANY_INTERIM)
    this.#state = DROPS
    this.#place = AFTER_STATUS
    this.#droppedBytes += STATUS_LINE_BYTES
    return all.subarray(STATUS_LINE_BYTES)
  }

  /** Drops up to the end of the head. */
  #drop(piece: Buffer): Buffer | null {
    if (this.#state === BROKEN) return null
    for (let index = 0; index < piece.length; index += 1) {
      const next = nextPlace(this.#place, piece[index] as number)
      if (next === null) return this.#break(MALFORMED_INTERIM)
      this.#droppedBytes += 1
      if (this.#place === AFTER_LAST_CR) {
        this.#state = BEGINS
        this.#observer.onInterim()
        return piece.subarray(index + 1)
      }
      this.#place = next
    }
    return this.#droppedBytes > this.#headBytesMax ? this.#break(INTERIM_TOO_LARGE) : null
  }

  #break(error: Error): null {
    this.#state = BROKEN
    this.#observer.onBroken(error)
    return null
  }
}

/** 101 is the parser's to refuse: it is no interim answer to a request that asked for nothing. */
function isInterimStatus(line: Buffer): boolean {
  const tens = line[STATUS_LINE.length] as number
  const ones = line[STATUS_LINE.length + 1] as number
  return isDigit(tens) && isDigit(ones) && !(tens === CODE_ZERO && ones === CODE_ONE)
}

function isDigit(code: number): boolean {
  return code >= CODE_ZERO && code <= CODE_NINE
}

/** @returns `null` where the byte must not be. */
function nextPlace(place: number, code: number): number | null {
  switch (place) {
    case AFTER_CR:
      return code === CODE_LF ? LINE_BEGINS : null
    case AFTER_LAST_CR:
      return code === CODE_LF ? IN_LINE : null
    case AFTER_STATUS:
      if (code === CODE_SPACE) return IN_LINE
      return code === CODE_CR ? AFTER_CR : null
    default:
      if (code === CODE_LF) return null
      if (code !== CODE_CR) return IN_LINE
      return place === LINE_BEGINS ? AFTER_LAST_CR : AFTER_CR
  }
}
