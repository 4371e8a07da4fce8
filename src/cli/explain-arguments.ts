/** The options of `sallyport explain`. Opens no file: where a token is read from is read later. */
import type { ExplainQuestion } from '../gateway/explanation.ts'
import type { OptionRow, OptionValues } from './option-row.ts'

function valueOption(value: string, meaning: string, isRepeatable = false): OptionRow {
  return { value, isRequired: false, isRepeatable, meaning }
}

function switchOption(meaning: string): OptionRow {
  return { value: null, isRequired: false, isRepeatable: false, meaning }
}

export const EXPLAIN_OPTIONS = {
  config: valueOption('FILE', 'configuration file; asks issuers and Redis, as a gateway would'),
  admin: valueOption('URL', 'ask the gateway that runs, at its admin listener, instead'),
  'admin-token-file': valueOption('FILE', 'token of the admin listener'),
  method: valueOption('METHOD', 'method of the request; GET by default'),
  url: valueOption('URL', 'path and query of the request, or the whole URL'),
  host: valueOption('HOST', 'Host of the request'),
  token: valueOption('TOKEN', 'bearer token; - reads it from the standard input'),
  'token-file': valueOption('FILE', 'file with the bearer token'),
  cookie: valueOption('COOKIE', 'Cookie header, such as "__Host-sid=…"'),
  header: valueOption('"NAME: VALUE"', 'another header; may be repeated', true),
  body: valueOption('TEXT', 'beginning of the body, where a limit counts by user'),
  'client-address': valueOption('ADDRESS', 'address of the peer; 127.0.0.1 by default'),
  'show-values': switchOption('show what the credential says'),
  'request-id': valueOption('ID', 'with --admin: why the answer with this X-Request-Id was given'),
  json: switchOption('print JSON'),
} as const satisfies Record<string, OptionRow>

/** Where a bearer token comes from. */
export type TokenSource =
  | { readonly kind: 'given'; readonly token: string }
  | { readonly kind: 'standard input' }
  | { readonly kind: 'file'; readonly file: string }

export interface ExplainInvocation {
  readonly command: 'explain'
  /** `null`: the gateway that runs is asked. */
  readonly configFile: string | null
  readonly adminUrl: string | null
  readonly adminTokenFile: string | null
  readonly isJson: boolean
  /** Without its token; `null`: an answer that was given is to be explained. */
  readonly request: ExplainQuestion | null
  readonly token: TokenSource | null
  readonly requestId: string | null
}

type Reading =
  | { readonly ok: true; readonly invocation: ExplainInvocation }
  | { readonly ok: false; readonly problems: readonly string[] }

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s

/** Problems name options, never values: one of those may be a token. */
export function readExplainOptions(values: OptionValues): Reading {
  const one = (name: keyof typeof EXPLAIN_OPTIONS) => values.get(name)?.[0] ?? null
  const problems = problemsOf(one)
  const headers: string[] = []
  for (const text of values.get('header') ?? []) {
    const [, name, value] = FIELD.exec(text) ?? []
    if (name === undefined || value === undefined) {
      problems.push('--header needs a name, a colon and a value: --header "NAME: VALUE"')
    } else headers.push(name, value)
  }
  if (problems.length > 0) return { ok: false, problems }
  const cookie = one('cookie')
  if (cookie !== null) headers.push('cookie', cookie)
  const url = one('url')
  const request = {
    method: (one('method') ?? 'GET').toUpperCase(),
    url: url ?? '/',
    host: one('host'),
    headers,
    clientAddress: one('client-address'),
    body: one('body'),
    showValues: values.has('show-values'),
  }
  const invocation: ExplainInvocation = {
    command: 'explain',
    configFile: one('config'),
    adminUrl: one('admin'),
    adminTokenFile: one('admin-token-file'),
    isJson: values.has('json'),
    request: url === null ? null : request,
    token: tokenSource(one('token'), one('token-file')),
    requestId: one('request-id'),
  }
  return { ok: true, invocation }
}

function problemsOf(one: (name: keyof typeof EXPLAIN_OPTIONS) => string | null): string[] {
  const problems: string[] = []
  const admin = one('admin')
  if (admin === null && one('config') === null) {
    problems.push('--config FILE is missing, or --admin URL for a gateway that runs')
  }
  if (admin !== null && !/^https?:\/\/[^/]/.test(admin)) {
    problems.push('--admin needs the URL of an admin listener, such as http://127.0.0.1:9090')
  }
  if (admin === null && one('admin-token-file') !== null) {
    problems.push('--admin-token-file is for --admin URL')
  }
  if (one('token') !== null && one('token-file') !== null) {
    problems.push('--token and --token-file exclude each other')
  }
  const isAboutAnswer = one('request-id') !== null
  if (isAboutAnswer && admin === null) problems.push('--request-id needs --admin URL')
  if (isAboutAnswer && one('url') !== null) {
    problems.push('--request-id and --url exclude each other')
  }
  if (!isAboutAnswer && one('url') === null) problems.push('--url URL is missing')
  return problems
}

function tokenSource(token: string | null, file: string | null): TokenSource | null {
  if (file !== null) return { kind: 'file', file }
  if (token === null) return null
  return token === '-' ? { kind: 'standard input' } : { kind: 'given', token }
}
