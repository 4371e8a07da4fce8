/** The access log of one thread: which requests it has, and what their lines tell. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { GatewayRevision } from '../gateway/gateway.ts'
import { AccessLog } from '../observability/access-log.ts'
import type { ListenerMetrics } from '../observability/listener-metrics.ts'
import { PathRedaction } from '../observability/redact-path.ts'

export function composeAccessLog(
  { logging, tuning }: GatewayConfiguration,
  metrics: ListenerMetrics,
): Pick<GatewayRevision, 'accessLog' | 'access'> {
  const { accessLog } = logging
  const share = (configured: number) => (accessLog.enabled ? configured : 0)
  return {
    accessLog: new AccessLog({
      shares: {
        answered: share(accessLog.sampling),
        refused: share(accessLog.refusalSampling),
        failed: share(accessLog.failureSampling),
      },
      linesPerSecondMax: Math.max(
        1,
        Math.floor(accessLog.linesPerSecondMax / tuning.listenerThreads),
      ),
      onLeftOut: (kind) => metrics.countAccessLineLeftOut(kind),
    }),
    access: {
      paths: new PathRedaction(accessLog.redactPath),
      tellsUser: accessLog.enabled && accessLog.userDigest,
    },
  }
}
