/**
 * Loads the Rust binding, the only door to it, and says why where there is none. Its binary is an
 * optional package for each platform, so a machine may well be without.
 */
import { createRequire } from 'node:module'
import type * as Binding from '@node-rs/jsonwebtoken'

/** What is used of the vendor's module. */
export type RustBinding = Pick<typeof Binding, 'verifySync'>
export type RustAlgorithm = Binding.Algorithm
export type RustOptions = Binding.Validation

/**
 * - `not_installed`: the package, or its binary for this platform, is not there.
 * - `does_not_load`: the dynamic linker refuses it.
 */
export type BindingAbsence = 'not_installed' | 'does_not_load'

export type LoadedBinding =
  | { readonly ok: true; readonly binding: RustBinding }
  | { readonly ok: false; readonly reason: BindingAbsence }

/** Never throws. Loading it again costs nothing. */
export function loadRustBinding(): LoadedBinding {
  try {
    const binding = createRequire(import.meta.url)('@node-rs/jsonwebtoken') as RustBinding
    return typeof binding.verifySync === 'function'
      ? { ok: true, binding }
      : { ok: false, reason: 'does_not_load' }
  } catch (error) {
    return { ok: false, reason: isAbsent(error) ? 'not_installed' : 'does_not_load' }
  }
}

/** The package tries several files and throws one error: its cause lists what each said. */
function isAbsent(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const attempts: readonly unknown[] = Array.isArray(error.cause) ? error.cause : [error]
  return attempts.every(
    (attempt) =>
      attempt instanceof Error && 'code' in attempt && attempt.code === 'MODULE_NOT_FOUND',
  )
}
