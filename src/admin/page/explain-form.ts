/** A form that asks the instance what it would decide about a request, and why. */
import type { Explanation } from '../../gateway/explanation.ts'
import type { TraceMark, TraceStep } from '../../protocol/trace.ts'
import type { AdminClient } from './admin-client.ts'
import { byId, element, type PageElement, setText } from './browser.ts'
import { words } from './figures.ts'

const STATUS_OK = 200
const MARKS: Readonly<Record<TraceMark, string>> = { ok: '✓', no: '✕', note: '·' }
const MARK_NAMES: Readonly<Record<TraceMark, string>> = { ok: 'fits', no: 'refuses', note: 'note' }

export function offerExplanations(client: AdminClient): void {
  byId('explain-form').addEventListener('submit', (event) => {
    event.preventDefault()
    void explain(client)
  })
}

async function explain(client: AdminClient): Promise<void> {
  const button = byId('explain-button')
  button.disabled = true
  const { status, body } = await client.post('/explain', question())
  button.disabled = false
  byId('explanation').hidden = false
  if (status === STATUS_OK) show(body as Explanation)
  else showProblem(status, body)
}

function question(): object {
  const text = (id: string) => byId(id).value.trim()
  const optional = (id: string) => (text(id) === '' ? null : text(id))
  return {
    method: text('explain-method'),
    url: text('explain-url'),
    host: optional('explain-host'),
    headers: headersOf(byId('explain-headers').value),
    cookie: optional('explain-cookie'),
    token: optional('explain-token'),
    clientAddress: optional('explain-address'),
    showValues: byId('explain-values').checked,
  }
}

/** One field a line, `Name: value`; a name may come again. */
function headersOf(text: string): Record<string, readonly string[]> {
  const fields = new Map<string, readonly string[]>()
  for (const line of text.split('\n').filter((it) => it.includes(':'))) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim()
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return Object.fromEntries(fields)
}

function show({ outcome, route, shadow, tenant, upstream, refusal, steps }: Explanation): void {
  const places = [
    route === null ? 'no route' : `route ${route}${shadow ? ', in shadow' : ''}`,
    ...(tenant === null ? [] : [`tenant ${tenant}`]),
    ...(upstream === null ? [] : [`upstream ${upstream}`]),
  ]
  const verdict = {
    passes: 'Would pass',
    answered: 'The gateway answers this itself',
    refused: `Would be refused: ${refusal?.status ?? ''} ${refusal?.code ?? ''}`,
  }[outcome]
  const advice = refusal === null ? '' : `${refusal.meaning} ${refusal.advice}`
  tell(verdict, outcome === 'refused' ? 'bad' : 'ok', places.join(' · '), advice)
  byId('explain-steps').replaceChildren(...steps.map(stepItem))
}

function stepItem({ step, mark, text }: TraceStep): PageElement {
  const item = element('li', '')
  const shown = element('span', `mark ${mark}`, MARKS[mark])
  shown.setAttribute('role', 'img')
  shown.setAttribute('aria-label', MARK_NAMES[mark])
  item.append(shown, element('strong', '', words(step)), element('span', '', text))
  return item
}

function showProblem(status: number, body: unknown): void {
  const message = (body as { readonly message?: unknown } | null)?.message
  const told = typeof message === 'string' ? message : `The admin listener answers ${status}.`
  tell(status === 0 ? 'No answer' : 'Not explained', 'warn', '', status === 0 ? '' : told)
  byId('explain-steps').replaceChildren()
}

function tell(verdict: string, tone: string, places: string, advice: string): void {
  const shown = byId('explain-verdict')
  setText(shown, verdict)
  shown.className = tone
  setText(byId('explain-places'), places)
  setText(byId('explain-advice'), advice)
}
