/** Writes docs/logs.md from the tables of events and the fields of an access line. */
import { ACCESS_FIELDS } from './access-record.ts'
import type { EventRow } from './event-row.ts'
import { LOG_EVENTS } from './log-event.ts'
import { SECURITY_EVENTS_PER_SECOND_MAX } from './logger.ts'
import { SECURITY_EVENTS } from './security-event-table.ts'

const PREFACE = `# Logs

<!-- Generated from the tables of events in src/observability/ by "npm run docs". Do not edit. -->

The log is JSON on the standard output, one object a line. These fields begin every line:

| field | meaning |
| --- | --- |
| \`level\` | \`debug\`, \`info\`, \`warn\` or \`error\`. |
| \`time\` | When the line was made, UTC, with milliseconds. |
| \`stream\` | \`operations\`, \`security\` or \`access\`: see below. |
| \`thread\` | Listener thread that tells it. Not there in lines of the supervisor. |

\`event\` names what has happened, in the first two streams. To keep a stream apart, filter by
\`stream\`: \`jq 'select(.stream == "security")'\`.

Lines wait in bounded memory for the reader of the standard output. What finds no room is dropped and
counted (\`sallyport_log_lines_dropped_total\`), access lines first and security events last; a request
never waits for its line.

No line holds a token, a cookie, an API key, a secret or the value of a claim. Subjects, users and
sessions are named by digests, paths are told without their query, and \`logging.accessLog.redactPath\`
takes further parts out of them.
`

const SECURITY = `
## Security events

Stream \`security\`: what a security team wants to hear of, whatever \`logging.level\` says. An attacker
decides how often some of these happen, so that each thread writes at most
${SECURITY_EVENTS_PER_SECOND_MAX} of one name within a second; \`suppressed\` says how many of the name were
left out before the line. \`sallyport_security_events_total\` counts them all. Events of calls on the admin
listener that were carried out (\`admin_call\`) are never left out.
`

const OPERATIONS = `
## Operations

Stream \`operations\`: what the process does and what it has trouble with. Events below \`logging.level\`
are not written.
`

const ACCESS = `
## Access lines

Stream \`access\`: one line a request, of those that are logged. \`logging.accessLog\` has a share for
requests that an upstream answered, one for refusals of the gateway, and one for what failed, and a
bound for the lines of each within a second. What is left out for that bound is counted
(\`sallyport_access_lines_left_out_total\`).

| field | meaning |
| --- | --- |
`

const WEBHOOK = `
## Webhook

With \`logging.webhook\`, every line of the stream \`security\` is also posted to a URL, in batches:
\`{"delivery":"…","events":[…]}\`, each event as in the log. An answer of 200 to 299 takes a batch. 400, 413,
415 and 422 refuse it for good. After anything else it is sent again, after 1, 2, 4 … 60 seconds, ten times in
all. What is dropped is counted (\`sallyport_webhook_events_total\`), and stays in the log. When the
process ends, what waits is sent once more, within two seconds, a batch that was not taken under the
name that it has.

Each message is \`application/json\`, and has these fields:

- \`Sallyport-Delivery\`: random name of the batch, the same each time it is sent. \`delivery\` in the
  body is the same name, and is signed: compare that. What was seen already under it is a repetition.
- \`Sallyport-Timestamp\`: when it was sent, in seconds since 1970.
- \`Sallyport-Signature\`: \`v1=\` and the HMAC-SHA256 in hexadecimal, keyed with
  \`logging.webhook.secret\`, over the timestamp, a full stop, and the body as it came.

The receiver computes the signature over the bytes that it got, compares in constant time, and refuses
a timestamp that is more than five minutes off.
`

/** The whole document as Markdown. */
export function logManual(): string {
  const access = Object.entries(ACCESS_FIELDS).map(([name, text]) => `| \`${name}\` | ${text} |`)
  return [
    PREFACE,
    `${SECURITY}${eventTable(SECURITY_EVENTS)}`,
    `${OPERATIONS}${eventTable(LOG_EVENTS)}`,
    `${ACCESS}${access.join('\n')}\n`,
    WEBHOOK,
  ].join('')
}

function eventTable(events: Readonly<Record<string, EventRow>>): string {
  const rows = Object.entries(events).map(([name, { level, meaning, fields }]) => {
    const told = Object.entries(fields).map(([field, text]) => `\`${field}\`: ${text}`)
    return `| \`${name}\` | ${level} | ${meaning} | ${told.join('<br>') || '–'} |`
  })
  return `
| event | level | meaning | fields |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
