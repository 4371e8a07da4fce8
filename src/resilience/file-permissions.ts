/** Who may write a file that keys are read from. One rule for all of them. */

/** For the group and for everybody else. */
const WRITABLE_BY_OTHERS = 0o022

/**
 * Whether somebody besides the owner may write to a file of this mode: who can put a key there can
 * speak for anybody. Reading it is the operator's to grant.
 */
export function isWritableByOthers(mode: number): boolean {
  return (mode & WRITABLE_BY_OTHERS) !== 0
}
