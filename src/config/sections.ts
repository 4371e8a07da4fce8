/**
 * The sections of the configuration file: one row each, in the order of the manual.
 *
 * All that is known of the file as a whole follows from this table: its schema, what is checked,
 * what it resolves to, and the type that the gateway is composed from.
 */
import type { ReportProblem, SettingProblem } from './config-error.ts'
import type { EnvironmentReading, Tuning } from './environment.ts'
import { mapping, type Section, type Surroundings } from './section.ts'
import { adminSection } from './sections/admin.ts'
import { apiKeysSection } from './sections/api-keys.ts'
import { cacheSection } from './sections/cache.ts'
import { decisionSection } from './sections/decision.ts'
import { healthSection } from './sections/health.ts'
import { identitySection } from './sections/identity/identity.ts'
import { issuersSection } from './sections/issuers/issuers.ts'
import { loggingSection } from './sections/logging.ts'
import { rateLimitsSection } from './sections/rate-limits.ts'
import { redisSection } from './sections/redis.ts'
import { revocationSection } from './sections/revocation.ts'
import { routesSection } from './sections/routes/routes.ts'
import { serverSection } from './sections/server.ts'
import { sessionsSection } from './sections/sessions.ts'
import { tenantsSection } from './sections/tenants.ts'
import { upstreamsSection } from './sections/upstreams.ts'
import { watchSection } from './sections/watch.ts'
import { section } from './setting.ts'
import { SettingFiles } from './setting-files.ts'

const SECTIONS = {
  server: serverSection,
  admin: adminSection,
  health: healthSection,
  decision: decisionSection,
  cache: cacheSection,
  redis: redisSection,
  issuers: issuersSection,
  sessions: sessionsSection,
  apiKeys: apiKeysSection,
  revocation: revocationSection,
  tenants: tenantsSection,
  identity: identitySection,
  upstreams: upstreamsSection,
  rateLimits: rateLimitsSection,
  routes: routesSection,
  logging: loggingSection,
  watch: watchSection,
} as const

type Sections = typeof SECTIONS
type SectionName = keyof Sections

/** As much of a file as makes sense, section by section. */
type Settings = { readonly [Name in SectionName]: ReturnType<Sections[Name]['read']> }

type Configurations = {
  readonly [Name in SectionName]: Exclude<ReturnType<Sections[Name]['resolve']>, undefined>
}

/** The configuration that the gateway is composed from: checked, complete and immutable. */
export interface GatewayConfiguration extends Configurations {
  /** Sizes of pools, from the environment. */
  readonly tuning: Tuning
}

/** The rows again, each able to refer to any other. */
const ROWS: {
  readonly [Name in SectionName]: Section<Settings[Name], Settings, Configurations[Name]>
} = SECTIONS

const NAMES = Object.keys(SECTIONS) as readonly SectionName[]

/** The whole file: every setting with its default, limits and reason. */
export const configurationSchema = section(
  'Configuration of Sallyport. Only `issuers`, `upstreams` and `routes` are needed to start.',
  Object.fromEntries(NAMES.map((name) => [name, SECTIONS[name].schema])),
)

/** Reads each section alone, so that one bad setting does not hide what is wrong with others. */
export function readSections(document: unknown): Settings {
  const root = mapping(document)
  const settings = NAMES.map((name) => [name, SECTIONS[name].read(root[name])])
  return Object.fromEntries(settings) as Settings
}

/** Checks everything that is well-formed. Opens no file and looks up no name. */
export function checkSections(settings: Settings): readonly SettingProblem[] {
  const problems: SettingProblem[] = []
  const report: ReportProblem = (path, message) => problems.push({ path, message })
  for (const name of NAMES) ROWS[name].check?.(settings, report)
  return problems
}

interface Resolution {
  /** `null` when a part is missing; then there has been a problem about it. */
  readonly configuration: GatewayConfiguration | null
  /** State of each file with secrets that it has been completed with, by absolute name. */
  readonly files: ReadonlyMap<string, string>
  /** The same of files that are named and could not be read. */
  readonly unread: ReadonlyMap<string, string>
  readonly problems: readonly SettingProblem[]
}

/**
 * Completes the settings with files, names and the environment.
 *
 * @param directory Relative names of files start here.
 */
export function resolveSections(
  settings: Settings,
  environment: EnvironmentReading,
  directory: string,
): Resolution {
  const surroundings: Surroundings = { files: new SettingFiles(directory), environment }
  const resolved = NAMES.map((name) => [name, ROWS[name].resolve(settings, surroundings)] as const)
  const isComplete = resolved.every(([, configuration]) => configuration !== undefined)
  const configurations = Object.fromEntries(resolved) as unknown as Configurations
  return {
    configuration: isComplete ? { ...configurations, tuning: environment.tuning } : null,
    files: surroundings.files.states,
    unread: surroundings.files.unread,
    problems: surroundings.files.problems,
  }
}
