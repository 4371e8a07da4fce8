/** The documents that are generated from code: what they are called and what they say. */
import { configurationManual } from '../config/manual.ts'
import { configurationJsonSchema } from '../config/schema.ts'
import { logManual } from '../observability/log-manual.ts'
import { metricsManual } from '../observability/metrics-manual.ts'
import { AUTH_ERRORS } from '../protocol/auth-error.ts'
import { REFUSAL_ADVICE } from '../protocol/refusal-advice.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../protocol/refusal-reason.ts'
import { BELIEVED_FIELDS } from '../proxy/believed-fields.ts'
import { UPSTREAM_CAUSES } from '../proxy/upstream-cause.ts'

/** Text by file name below `docs/`. */
export function generatedDocuments(): ReadonlyMap<string, string> {
  return new Map([
    ['configuration.md', configurationManual()],
    ['sallyport.schema.json', `${JSON.stringify(configurationJsonSchema(), null, 2)}\n`],
    ['errors.md', errorManual()],
    ['client-fields.md', clientFieldManual()],
    ['metrics.md', metricsManual()],
    ['logs.md', logManual()],
  ])
}

const ERROR_PREFACE = `# Answers of the gateway

<!-- Generated from src/protocol/auth-error.ts and refusal-reason.ts by "npm run docs". Do not edit. -->

When the gateway answers instead of an upstream, the body is \`application/problem+json\` (RFC 9457),
unless the route has [another format](#whose-answer-it-is-and-how-it-is-written).
Its \`error\` is one of these codes; \`title\` and \`message\` depend on the code alone. 401 and 403
carry a \`WWW-Authenticate\` challenge (RFC 6750 §3) with the \`error\` attribute named below.
*Retry* says whether the same request, sent again unchanged, could succeed.

| code | status | title | challenge error | retry | message |
| --- | --- | --- | --- | --- | --- |
`

function errorManual(): string {
  const rows = Object.entries(AUTH_ERRORS)
    .map(([code, row]) => ({ code, ...row }))
    .sort((first, second) => first.status - second.status)
    .map(({ code, status, title, challengeError, retryable, message }) => {
      const challenge = challengeError === null ? '–' : `\`${challengeError}\``
      const retry = retryable ? 'yes' : 'no'
      return `| \`${code}\` | ${status} | ${title} | ${challenge} | ${retry} | ${message} |`
    })
  const reasons = Object.entries(REFUSAL_REASONS).map(
    ([reason, { code, meaning }]) =>
      `| \`${reason}\` | \`${code}\` | ${meaning} | ${REFUSAL_ADVICE[reason as RefusalReason]} |`,
  )
  const codes = `${ERROR_PREFACE}${rows.join('\n')}\n${FORMATS}`
  return `${codes}${REASON_PREFACE}${reasons.join('\n')}\n${causeManual()}`
}

function causeManual(): string {
  const rows = Object.entries(UPSTREAM_CAUSES).map(([cause, text]) => `| \`${cause}\` | ${text} |`)
  return `${CAUSE_PREFACE}${rows.join('\n')}\n`
}

const CAUSE_PREFACE = `
## Causes

Why exactly an attempt at an upstream failed, so that it ended in 502 or 504, was repeated, or its
answer was cut: \`cause\` of \`upstream_failed\` and \`upstream_target_ejected\` in the log, \`detail\` in
the access log, and a label of \`sallyport_upstream_failures_total\`.

| cause | meaning |
| --- | --- |
`

const FORMATS = `
## Whose answer it is, and how it is written

An answer of the gateway has its code in a field, \`X-Sallyport-Code: token_expired\`, HEAD and redirects to
a login page included. An answer of an upstream never has it: a field of that name is taken out. So a
client, a balancer or a log can tell a 401 or a 503 of the gateway from one of the service behind it.

\`\`\`yaml
routes:
  - name: shop
    match: { path: /shop/* }
    upstream: shop
    errors:
      format: html                       # problem | json | html
      codeHeader: X-Sallyport-Code       # null: none
      page: refused.html                 # for browsers; read again on reload
      template: '{ "error": { "code": "{code}", "message": "{message}", "id": "{requestId}" } }'
\`\`\`

- \`problem\` is the default. \`json\` sends \`template\`, a JSON object of your own. \`html\` sends \`page\` to who
  prefers HTML, as browsers do that open a page: \`Accept\` names \`text/html\`, and neither \`application/json\`
  nor \`application/problem+json\` with as much weight. Wildcards name nothing. Others get \`template\`
  if there is one, else the problem document; \`Vary: Accept\` says so.
- \`{code}\`, \`{status}\`, \`{title}\`, \`{message}\` and \`{requestId}\` are filled in, escaped for JSON or HTML. In a
  page they may stand in the text of elements and in attributes in quotes, never within \`script\` or
  \`style\`. There is no placeholder for anything that a request or a credential says. In a template,
  \`"{status}"\` becomes a number, and any other word in braces is refused by \`check\`.
- Status, challenge, \`Retry-After\`, \`RateLimit\` and \`Set-Cookie\` are the same in every format.
- A request that reaches no route gets a problem document and \`X-Sallyport-Code\`: 404
  \`route_not_found\`, and what is malformed or too large before a route is looked for.
- Behind another Sallyport, the outer one takes the field of the inner one out. Give the inner one another
  name, or the outer route \`codeHeader: null\`.
`

const REASON_PREFACE = `
## Reasons

A code tells the client what it can do, and no more. Why exactly a request was refused is told to the
operator alone: as \`reason\` in the access log, in \`shadow_refused\` and \`cross_tenant_attempt\` of the
security log, and as a label of \`sallyport_refusals_total\`. Each reason has one code. The first check
that fails names it; what would have failed after that is not looked at.

| reason | code | what was found | what to do |
| --- | --- | --- | --- |
`

const CLIENT_FIELD_PREFACE = `# Fields that clients cannot send

<!-- Generated from src/proxy/believed-fields.ts by "npm run docs". Do not edit. -->

Services and frameworks take these fields of a request for the word of a proxy. None goes upstream as it
came: not on any route, not from trusted proxies, and not with \`_\` or \`.\` for \`-\`. What
the gateway says in their place is in [addresses.md](addresses.md#what-upstreams-get) and
[identity.md](identity.md). A \`*\` stands for all names that begin so.

| field | who believes it |
| --- | --- |
`

function clientFieldManual(): string {
  const rows = BELIEVED_FIELDS.toSorted(([one], [other]) => one.localeCompare(other)).map(
    ([name, who]) => {
      return `| \`${name}${name.endsWith('-') ? '*' : ''}\` | ${who} |`
    },
  )
  return `${CLIENT_FIELD_PREFACE}${rows.join('\n')}\n`
}
