/** Kubernetes objects as the tests of deploy/ read them. */
import { parseAllDocuments } from 'yaml'

/** What the tests look at; every other member may be there too. */
export interface DeployedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly labels?: Labels }
  readonly data?: Readonly<Record<string, string>>
  readonly spec: Spec
}

type Labels = Readonly<Record<string, string>>

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
  readonly periodSeconds: number
}

interface Container {
  readonly image: string
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env: readonly { readonly name: string }[]
  readonly resources: unknown
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly startupProbe: Probe
  readonly securityContext: unknown
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string; readonly defaultMode: number }
  readonly emptyDir?: object
}

interface PodSpec {
  readonly serviceAccountName: string
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: {
    readonly runAsNonRoot: boolean
    readonly runAsUser: number
    readonly fsGroup: number
  }
  readonly affinity: {
    readonly podAntiAffinity: {
      readonly preferredDuringSchedulingIgnoredDuringExecution: readonly {
        readonly podAffinityTerm: {
          readonly topologyKey: string
          readonly labelSelector: { readonly matchLabels: Labels }
        }
      }[]
    }
  }
  readonly containers: readonly Container[]
  readonly volumes: readonly Volume[]
}

interface PolicyRule {
  readonly from?: readonly {
    readonly podSelector?: { readonly matchLabels: Labels }
    readonly ipBlock?: { readonly cidr: string }
  }[]
  readonly ports?: readonly { readonly port: string }[]
}

interface Spec {
  readonly replicas?: number
  readonly strategy: unknown
  /** Of a PodDisruptionBudget: one of the two. */
  readonly minAvailable?: number
  readonly maxUnavailable?: number
  readonly minReplicas: number
  readonly scaleTargetRef: { readonly name: string }
  readonly clusterIP?: string
  readonly ports: readonly {
    readonly name: string
    readonly port: number
    readonly targetPort: string
  }[]
  /** Of a Service. */
  readonly selector: Labels & { readonly matchLabels: Labels }
  readonly podSelector: { readonly matchLabels: Labels }
  readonly ingress: readonly PolicyRule[]
  readonly endpoints: readonly { readonly port: string; readonly path: string }[]
  readonly template: {
    readonly metadata: { readonly labels: Labels; readonly annotations?: Labels }
    readonly spec: PodSpec
  }
}

/** The objects of YAML documents, in their order. */
export function deployedObjects(text: string): readonly DeployedObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as DeployedObject | null)
    .filter((object) => object !== null)
}
