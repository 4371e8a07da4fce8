/**
 * Loading the configuration anew:
 *
 *     POST /reload    200: in use now, or unchanged; 422 with every problem: the old one stays
 */
import { type AdminRequest, type Answer, json, methodNotAllowed } from './answer.ts'

/** What became of it. */
export interface ReloadReport {
  readonly outcome: 'reloaded' | 'unchanged' | 'refused'
  /** Of the configuration in use. */
  readonly revision: number
  /** Names of the sections that have changed. */
  readonly changed: readonly string[]
  /** Why it was refused: one line each, without any value of the file. */
  readonly problems: readonly string[]
}

const UNPROCESSABLE = 422

/** Answers when the new configuration is in use, or when it is clear that it will not be. */
export async function answerReload(
  reload: () => Promise<ReloadReport>,
  { method }: AdminRequest,
): Promise<Answer> {
  if (method !== 'POST') return methodNotAllowed('/reload', 'POST')
  const { outcome, revision, changed, problems } = await reload()
  if (outcome === 'refused') return json(UNPROCESSABLE, { outcome, revision, problems })
  return json(200, { outcome, revision, changed })
}
