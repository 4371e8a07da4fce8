/** The paths at which a configuration asks for claims, each with the setting that says so. */
import type { ClaimPath } from '../protocol/claim-path.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'

export interface AskedPath extends KeptPath {
  /** Where it is written, as problems name it: `identity.headers.custom.X-Department`. */
  readonly setting: string
}

interface CustomHeaderSettings {
  readonly path: ClaimPath
  readonly format: 'text' | 'json'
}

/** @param custom `identity.headers.custom`. */
export function headerPaths(
  custom: Readonly<Record<string, CustomHeaderSettings>>,
): readonly AskedPath[] {
  return Object.entries(custom).map(([name, { path, format }]) => {
    const setting = `identity.headers.custom.${name}`
    return { path, isAsked: true, isTold: true, needsText: format === 'text', setting }
  })
}

/** @param claims `identity.internalToken.claims`. */
export function internalTokenPaths(
  claims: Readonly<Record<string, ClaimPath>>,
): readonly AskedPath[] {
  return Object.entries(claims).map(([name, path]) => {
    const setting = `identity.internalToken.claims.${name}`
    return { path, isAsked: true, isTold: true, needsText: false, setting }
  })
}

/**
 * @param rules `require.claims` of the route; those about parts of the identity have no path.
 * @param route Its place in `routes`.
 */
export function requiredPaths(
  rules: readonly { readonly path: ClaimPath | null }[],
  route: number,
): readonly AskedPath[] {
  return rules.flatMap(({ path }, index) => {
    const setting = `routes[${route}].require.claims[${index}]`
    if (path === null) return []
    return [{ path, isAsked: true, isTold: false, needsText: false, setting }]
  })
}

/** One entry for each path, sorted, so that the order in which they were written says nothing. */
export function unitedPaths(asked: readonly KeptPath[]): readonly KeptPath[] {
  const paths = new Map<string, KeptPath>()
  for (const { path, isTold, needsText } of asked) {
    const known = paths.get(path.text)
    paths.set(path.text, {
      path,
      isAsked: true,
      isTold: isTold || known?.isTold === true,
      needsText: needsText || known?.needsText === true,
    })
  }
  return [...paths.values()].sort((left, right) => (left.path.text < right.path.text ? -1 : 1))
}
