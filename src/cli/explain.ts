/**
 * `sallyport explain`: says step by step what would be decided about a request, and why. Either in
 * this process, composed as a listener thread is, or by the gateway that runs.
 */
import { readFileSync } from 'node:fs'
import type { AnsweredRefusal, ExplainQuestion, Explanation } from '../gateway/explanation.ts'
import { askAdmin } from './ask-admin.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { ExplainInvocation, TokenSource } from './explain-arguments.ts'
import { loadOrReport } from './load-or-report.ts'
import { printAnswered, printExplanation } from './print-explanation.ts'
import type { Terminal } from './terminal.ts'

const STANDARD_INPUT = 0
/** Longer than any that a gateway reads. */
const TOKEN_LENGTH_MAX = 1_048_576

/**
 * `EXIT.ok` when the request would pass, `EXIT.failed` when it would be refused, `EXIT.refused`
 * when that cannot be found out.
 */
export async function explain(
  invocation: ExplainInvocation,
  terminal: Terminal,
): Promise<ExitCode> {
  const { requestId, adminUrl, request } = invocation
  const adminToken = tokenOfAdmin(invocation, terminal)
  if (adminToken === undefined) return EXIT.refused
  if (requestId !== null && adminUrl !== null) {
    return explainAnswer({ url: adminUrl, token: adminToken }, requestId, invocation, terminal)
  }
  const token = readToken(invocation.token)
  if (token.kind === 'problem') {
    terminal.printError(`sallyport: ${token.text}`)
    return EXIT.refused
  }
  if (request === null) return EXIT.refused
  const bearer = token.text === null ? [] : ['authorization', `Bearer ${token.text}`]
  const question = { ...request, headers: [...bearer, ...request.headers] }
  const explanation =
    adminUrl === null
      ? await explainOffline(invocation.configFile ?? '', question, terminal)
      : await explainRunning({ url: adminUrl, token: adminToken }, question, terminal)
  if (explanation === null) return EXIT.refused
  if (invocation.isJson) terminal.print(JSON.stringify(explanation, null, 2))
  else printExplanation(explanation, terminal)
  return explanation.outcome === 'refused' ? EXIT.failed : EXIT.ok
}

async function explainOffline(
  configFile: string,
  question: ExplainQuestion,
  terminal: Terminal,
): Promise<Explanation | null> {
  const configuration = loadOrReport(configFile, terminal)?.configuration ?? null
  if (configuration === null) return null
  const { openOfflineGateway } = await import('./offline-gateway.ts')
  const gateway = await openOfflineGateway(configuration)
  try {
    return await gateway.explain(question)
  } finally {
    await gateway.close()
  }
}

interface AdminListener {
  readonly url: string
  /** `null`: it demands none. */
  readonly token: string | null
}

async function explainRunning(
  admin: AdminListener,
  question: ExplainQuestion,
  terminal: Terminal,
): Promise<Explanation | null> {
  const headers = new Map<string, string[]>()
  for (let index = 0; index + 1 < question.headers.length; index += 2) {
    const name = question.headers[index] ?? ''
    headers.set(name, [...(headers.get(name) ?? []), question.headers[index + 1] ?? ''])
  }
  const body = { ...question, headers: Object.fromEntries(headers) }
  const answered = await askAdmin(admin, { method: 'POST', path: '/explain', body })
  if (answered.ok) return answered.body as unknown as Explanation
  terminal.printError(`sallyport: ${answered.problem}`)
  return null
}

/** A refusal that was answered some time ago, as its listener thread has kept it. */
async function explainAnswer(
  admin: AdminListener,
  requestId: string,
  { isJson }: ExplainInvocation,
  terminal: Terminal,
): Promise<ExitCode> {
  const path = `/refusals/${encodeURIComponent(requestId)}`
  const answered = await askAdmin(admin, { method: 'GET', path, body: null })
  if (!answered.ok) {
    terminal.printError(`sallyport: ${answered.problem}`)
    return EXIT.refused
  }
  if (isJson) {
    terminal.print(JSON.stringify(answered.body, null, 2))
    return EXIT.failed
  }
  printAnswered(answered.body as unknown as AnsweredRefusal, terminal)
  return EXIT.failed
}

/** @returns `undefined` when it cannot be read; the operator has been told why then. */
function tokenOfAdmin(
  { adminUrl, adminTokenFile, configFile }: ExplainInvocation,
  terminal: Terminal,
): string | null | undefined {
  if (adminUrl === null) return null
  if (adminTokenFile !== null) {
    const read = readToken({ kind: 'file', file: adminTokenFile })
    if (read.kind === 'token') return read.text
    terminal.printError(`sallyport: --admin-token-file: ${read.text}`)
    return undefined
  }
  // The configuration of the gateway that runs has its token as well.
  if (configFile === null) return null
  const loaded = loadOrReport(configFile, terminal)
  return loaded === null ? undefined : loaded.configuration.admin.token
}

type ReadToken =
  | { readonly kind: 'token'; readonly text: string | null }
  | { readonly kind: 'problem'; readonly text: string }

/** The scheme may be pasted along, and a line end follows in most files. */
function readToken(source: TokenSource | null): ReadToken {
  if (source === null) return { kind: 'token', text: null }
  let text: string
  try {
    text = source.kind === 'given' ? source.token : readFileSync(descriptorOf(source), 'utf8')
  } catch {
    const where = source.kind === 'file' ? source.file : source.kind
    return { kind: 'problem', text: `the token cannot be read from ${where}` }
  }
  const token = text.trim().replace(/^bearer +/i, '')
  if (token === '') return { kind: 'problem', text: 'the token is empty' }
  if (token.length > TOKEN_LENGTH_MAX) return { kind: 'problem', text: 'the token is too long' }
  return { kind: 'token', text: token }
}

function descriptorOf(source: Exclude<TokenSource, { kind: 'given' }>): string | number {
  return source.kind === 'file' ? source.file : STANDARD_INPUT
}
