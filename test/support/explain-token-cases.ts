/** Tokens that are of another kind, for another service or of another tenant, to be explained. */
import { bearer, type Case, type ExplainRig } from './explain-rig.ts'

/** @param rig Asked for when a case runs. */
export function tokenKindCases(rig: () => ExplainRig): readonly Case[] {
  const claims = (members: Record<string, unknown>) => () => bearer(rig().token(members))
  return [
    ['foreign_kind_of_token', '/token/x', claims({ events: {} }), /no claim kind/],
    [
      'token_bound',
      '/token/x',
      claims({ cnf: { jkt: 'x' } }),
      /no claim cnf: it is bound to a key/,
    ],
    [
      'proof_scheme',
      '/token/x',
      () => ({ headers: ['authorization', `DPoP ${rig().token()}`] }),
      /no credential/,
    ],
    [
      'audience_not_of_route',
      '/orders/x',
      claims({}),
      /no claim aud: the route takes only tokens for one of "orders"/,
    ],
    [
      'client_not_accepted',
      '/clients/x',
      () => bearer(rig().tokenOf('clients', { aud: undefined, client_id: 'other' })),
      /no claim client: .*; without aud, expected one of "web"/,
    ],
    [
      'issuer_value_mismatch',
      '/clients/x',
      () => bearer(rig().tokenOf('tenant', { tid: 'fabrikam' })),
      /no claim tid: .*; expected what iss says in its place/,
    ],
    [
      'required_claim_missing',
      '/strict/x',
      () => bearer(rig().tokenOf('strict')),
      /no claim department: absent; the issuer requires it/,
    ],
  ]
}
