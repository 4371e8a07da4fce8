/** Where other proxies ask what the gateway would decide about a request, and who may ask. */
import type { AddressRanges } from '../../http/address-ranges.ts'
import type { Endpoint } from '../../http/endpoint-table.ts'
import type { AnsweredExchange } from '../../http/exchange.ts'
import type { AnswerFolding } from './asked-exchange.ts'
import {
  type AskedReading,
  type AskedRules,
  readAuthRequest,
  readExtAuthz,
  readForwardAuth,
} from './asked-request.ts'
import { foldForNginx } from './fold-for-nginx.ts'

export interface DecisionEndpointSettings {
  /** Canonical, without a slash at its end. */
  readonly path: string
  /** Never empty. Of others nothing is believed, and nothing is decided. */
  readonly trustedPeers: AddressRanges
  /** Whether answers to `auth-request` are those that nginx understands. */
  readonly isForNginx: boolean
  /** For how long callers may keep a decision; `null`: they are not told that they may. */
  readonly maxAgeSeconds: number | null
  /** As `server.limits.urlBytes`, of the requests that are asked about. */
  readonly urlBytesMax: number
}

/** What a call asks, and how its answer is changed for who asks. */
export interface CallReading {
  readonly asked: AskedReading
  /** `null`: not at all. */
  readonly folding: AnswerFolding | null
}

type AskedRoutes = Omit<AskedRules, 'urlBytesMax'>

const NO_ADAPTER: CallReading = { asked: { kind: 'unreadable', field: 'path' }, folding: null }

export class DecisionEndpoint implements Endpoint {
  readonly kind = 'decision'
  readonly hasMembers = true
  readonly path: string
  readonly trustedPeers: AddressRanges
  readonly maxAgeSeconds: number | null
  readonly #urlBytesMax: number
  readonly #forwardAuth: string
  readonly #authRequest: string
  readonly #extAuthz: string
  readonly #authRequestFolding: AnswerFolding | null

  constructor(settings: DecisionEndpointSettings) {
    const { path, trustedPeers, isForNginx, maxAgeSeconds } = settings
    this.path = path
    this.trustedPeers = trustedPeers
    this.maxAgeSeconds = maxAgeSeconds
    this.#urlBytesMax = settings.urlBytesMax
    this.#forwardAuth = `${path}/forward-auth`
    this.#authRequest = `${path}/auth-request`
    this.#extAuthz = `${path}/ext-authz`
    this.#authRequestFolding = isForNginx ? foldForNginx : null
  }

  /** Nothing at its path is for a route. */
  takes(): boolean {
    return true
  }

  /**
   * @param call From a trusted peer, at the path of the endpoint or below it.
   * @param routes Those by which the request will be decided about.
   */
  read({ head, scheme }: AnsweredExchange, { keptForms, methods }: AskedRoutes): CallReading {
    const { path, headers } = head
    const rules = { keptForms, methods, urlBytesMax: this.#urlBytesMax }
    if (path === this.#forwardAuth) {
      return { asked: readForwardAuth(headers, rules), folding: null }
    }
    if (path === this.#authRequest) {
      return { asked: readAuthRequest(headers, rules), folding: this.#authRequestFolding }
    }
    if (!path.startsWith(`${this.#extAuthz}/`)) return NO_ADAPTER
    return { asked: readExtAuthz(head, scheme, this.#extAuthz.length), folding: null }
  }
}
