/** Why the gateway cannot start: one message for the operator, who can do something about it. */
export class StartError extends Error {
  override readonly name = 'StartError'
}
