/** `watch`: whether the file is loaded again when it changes. */
import type { Section } from '../section.ts'
import { flag } from '../setting.ts'

interface WatchSettings {
  readonly watch: boolean
}

export const watchSection: Section<boolean, WatchSettings, boolean> = {
  schema: flag(
    'Load the file again when it changes, or a file with a secret that it names: written in place, ' +
      'renamed over, or behind a symbolic link that is swapped, as in a mounted ConfigMap or ' +
      'Secret. Looked at twice a second; taken over when two looks have found the same.',
  ).prefault(false),
  read: (value) => value === true,
  resolve: ({ watch }) => watch,
}
