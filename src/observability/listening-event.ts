/** What the log says of the ports that are listened on. */
import { type EventTable, FIELD_WORDS as WORDS } from './event-row.ts'

export interface ListeningEvent {
  readonly event: 'listening' | 'health_listening' | 'admin_listening' | 'decision_listening'
  readonly host: string
  readonly port: number
}

const fields = { host: WORDS.host, port: WORDS.port }

export const LISTENING_EVENTS: EventTable<ListeningEvent> = {
  listening: {
    level: 'info',
    meaning: 'All listener threads accept connections.',
    fields,
  },
  health_listening: {
    level: 'info',
    meaning: 'The health listener accepts connections.',
    fields,
  },
  admin_listening: {
    level: 'info',
    meaning: 'The admin listener accepts connections.',
    fields,
  },
  decision_listening: {
    level: 'info',
    meaning: 'All listener threads accept calls on the port of the decision endpoint.',
    fields,
  },
}
