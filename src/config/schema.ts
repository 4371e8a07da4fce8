/** The JSON Schema (2020-12) of the configuration file, for editors and for the manual. */
import { configurationSchema } from './sections.ts'
import { jsonSchemaOf } from './setting.ts'

export function configurationJsonSchema(): Record<string, unknown> {
  return { title: 'Sallyport configuration', ...jsonSchemaOf(configurationSchema) }
}
