/** `watch`: whether the file is loaded again when it changes. */
import type { Section } from '../section.ts'
import { flag } from '../setting.ts'

interface WatchSettings {
  readonly watch: boolean
}

export const watchSection: Section<boolean, WatchSettings, boolean> = {
  schema: flag(
    'Load the file again when it changes. Not available in this version: when it is set, `check` ' +
      'and the gateway at its start say so, and it changes nothing.',
  ).prefault(false),
  read: (value) => value === true,
  resolve: ({ watch }) => watch,
}
