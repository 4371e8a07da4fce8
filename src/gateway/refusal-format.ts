/**
 * How one route writes its refusals: a problem document, the operator's own JSON, or a page for
 * browsers. Compiled with the configuration: an answer only joins texts.
 *
 * All that is put in follows from the code, but for the request id; it is escaped for where it
 * stands. Nothing of a request or of a credential can be put in.
 */
import { prefersByName } from '../http/accept-field.ts'
import { type HeaderList, joinedValues } from '../http/header-list.ts'
import { AUTH_ERRORS, type AuthErrorCode } from '../protocol/auth-error.ts'
import { PROBLEM_CONTENT_TYPE, problemDetails } from '../protocol/problem-details.ts'
import {
  type FilledText,
  fillText,
  type Placeholder,
  splitTemplate,
} from '../protocol/refusal-template.ts'
import type { RefusedRequest } from './login-redirect.ts'

/** In lower case. */
const CODE_HEADER = 'x-sallyport-code'
const HTML = 'text/html'
const OF_PROGRAMS = ['application/json', PROBLEM_CONTENT_TYPE]

const PROBLEM_HEADERS: HeaderList = ['content-type', PROBLEM_CONTENT_TYPE]
const JSON_HEADERS: HeaderList = ['content-type', 'application/json']
const PAGE_HEADERS: HeaderList = [
  'content-type',
  'text/html; charset=utf-8',
  'x-content-type-options',
  'nosniff',
]
const BY_ACCEPT: HeaderList = ['vary', 'Accept']

export interface RefusalFormatSettings {
  /** Field of the answer that holds the code, in lower case; `null`: none. */
  readonly codeHeader: string | null
  /** JSON text with placeholders; `null`: problem documents. */
  readonly template: string | null
  /** HTML with placeholders, for clients that prefer it; `null`: there is none. */
  readonly page: string | null
}

export interface WrittenRefusal {
  readonly headers: HeaderList
  readonly text: string
}

export class RefusalFormat {
  readonly codeHeader: string | null
  readonly #template: FilledText | null
  readonly #page: FilledText | null

  constructor({ codeHeader, template, page }: RefusalFormatSettings) {
    this.codeHeader = codeHeader
    this.#template = template === null ? null : splitTemplate(template)
    this.#page = page === null ? null : splitTemplate(page)
  }

  /** @param request `null`: it is not known well enough to tell what its client prefers. */
  bodyFor(code: AuthErrorCode, requestId: string, request: RefusedRequest | null): WrittenRefusal {
    const page = this.#page
    if (page === null) return this.#forPrograms(code, requestId, [])
    const accept = joinedValues(request?.exchange.head.headers ?? [], 'accept')
    if (!prefersByName(accept, HTML, OF_PROGRAMS)) {
      return this.#forPrograms(code, requestId, BY_ACCEPT)
    }
    const text = fillText(page, (name) => escapedForHtml(textOf(name, code, requestId)))
    return { headers: [...PAGE_HEADERS, ...BY_ACCEPT], text }
  }

  #forPrograms(code: AuthErrorCode, requestId: string, more: HeaderList): WrittenRefusal {
    if (this.#template === null) {
      return { headers: [...PROBLEM_HEADERS, ...more], text: problemDetails(code, requestId) }
    }
    const text = fillText(this.#template, (name) => escapedForJson(textOf(name, code, requestId)))
    return { headers: [...JSON_HEADERS, ...more], text }
  }
}

/** What routes have that say nothing else, and requests that reach none. */
export const PROBLEM_FORMAT = new RefusalFormat({
  codeHeader: CODE_HEADER,
  template: null,
  page: null,
})

function textOf(name: Placeholder, code: AuthErrorCode, requestId: string): string {
  if (name === 'code') return code
  if (name === 'requestId') return requestId
  return String(AUTH_ERRORS[code][name])
}

/** As it stands within quotes. */
function escapedForJson(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

/** For the text of an element and for the value of an attribute in quotes. */
function escapedForHtml(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`)
}
