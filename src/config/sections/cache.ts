/** `cache`: the token cache that all threads share. */
import { type EnvironmentReading, FITTING_MIB, fittingMiB } from '../environment.ts'
import { always, type Immutable, type Section } from '../section.ts'
import { duration, type Output, section, unlessAbsent, wholeNumber } from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'

/** The cache is at most one part in so many of the memory limit. */
const MEMORY_SHARE_MAX = 2

const schema = section('The token cache that all threads share.', {
  sizeMiB: unlessAbsent(
    wholeNumber(
      `Memory for cached decisions in MiB: about one KiB each. Left out: ${FITTING_MIB}. ` +
        '`SALLYPORT_CACHE_MIB` wins.',
      { minimum: 1, maximum: 1_024 },
    ),
  ),
  refusalTtl: duration(
    'How long a refusal is remembered. Short, because its cause may go away; long enough to make ' +
      'repeating a bad token cheap for the gateway.',
    { minimum: '0s', maximum: '60s' },
  ).prefault('10s'),
}).transform(({ sizeMiB, refusalTtl }) => ({ sizeMiB, refusalTtlMs: refusalTtl }))

type CacheOutput = Output<typeof schema>
type CacheConfiguration = Immutable<CacheOutput & { sizeMiB: number }>

interface CacheSettings {
  readonly cache: CacheOutput | null
}

export const cacheSection: Section<CacheSettings['cache'], CacheSettings, CacheConfiguration> = {
  ...always(schema),
  resolve({ cache }, { environment, files }) {
    if (cache === null) return undefined
    return { ...cache, sizeMiB: resolveSize(cache.sizeMiB, environment, files) }
  },
}

/** A limit that is too small for the cache ends the process some time after the start. */
function resolveSize(
  setMiB: number | null,
  { overrides, tuning: { memoryLimitMiB } }: EnvironmentReading,
  files: SettingFiles,
): number {
  const sizeMiB = overrides.cacheSizeMiB ?? setMiB
  if (sizeMiB === null) return fittingMiB(memoryLimitMiB)
  if (memoryLimitMiB !== null && sizeMiB * MEMORY_SHARE_MAX > memoryLimitMiB) {
    const path = overrides.cacheSizeMiB === null ? ['cache', 'sizeMiB'] : ['SALLYPORT_CACHE_MIB']
    files.report(path, `must be at most half of the memory limit, which is ${memoryLimitMiB} MiB`)
  }
  return sizeMiB
}
