/** The manifests, the chart and the unit of deploy/: what they promise, and whether they fit. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { REPOSITORY_ROOT, readRepositoryFile } from '../architecture/repository.ts'
import { type DeployedObject, deployedObjects } from '../support/deployed-objects.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

const MANIFESTS = 'deploy/kubernetes'
const CHART = join(REPOSITORY_ROOT, 'deploy', 'helm', 'sallyport')
const SECRETS = '/etc/sallyport/secrets'
/** Beyond draining: handshakes, threads, and the last lines of the log. */
const END_SECONDS = 5

let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-deploy-'))
  mkdirSync(join(directory, 'secrets'))
  writeFileSync(join(directory, 'secrets', 'introspection-client-secret'), 'secret\n', {
    mode: 0o600,
  })
})
after(() => rmSync(directory, { recursive: true }))

function manifests(): readonly DeployedObject[] {
  const files = readdirSync(join(REPOSITORY_ROOT, MANIFESTS))
  return files.flatMap((name) => deployedObjects(readRepositoryFile(`${MANIFESTS}/${name}`).text))
}

const helm = spawnSync('helm', ['version', '--short'], { encoding: 'utf8' })
const helmMissing = helm.status === 0 ? false : 'NOT TESTED: helm is not installed'

/** What values.yaml says by way of example, as values of their own. */
function exampleValues(): string {
  const { text } = readRepositoryFile('deploy/helm/sallyport/values.yaml')
  const lines = text.slice(text.indexOf('  # issuers:')).split('\n')
  const end = lines.findIndex((line) => !line.startsWith('  #'))
  return ['config:', ...lines.slice(0, end).map((line) => line.replace('# ', ''))].join('\n')
}

/** @param settings Each a path and JSON. */
function template(values: string, settings: readonly string[]) {
  const file = join(directory, 'values.yaml')
  writeFileSync(file, values)
  const sets = settings.flatMap((setting) => ['--set-json', setting])
  const words = ['template', 'edge', CHART, '--kube-version', '1.30.0', '--values', file, ...sets]
  return spawnSync('helm', words, { encoding: 'utf8' })
}

function rendered(...settings: readonly string[]): readonly DeployedObject[] {
  const { status, stdout, stderr } = template(exampleValues(), settings)
  assert.equal(status, 0, stderr)
  return deployedObjects(stdout)
}

const WAYS: readonly (readonly [string, string | false, () => readonly DeployedObject[]])[] = [
  ['the manifests', false, manifests],
  ['the chart', helmMissing, () => rendered()],
]

function only(objects: readonly DeployedObject[], kind: string, suffix = ''): DeployedObject {
  const found = objects.filter((object) => {
    return object.kind === kind && object.metadata.name.endsWith(suffix)
  })
  const [first] = found.toSorted((a, b) => a.metadata.name.length - b.metadata.name.length)
  assert.ok(first !== undefined, `there is a ${kind} …${suffix}`)
  return first
}

function podOf(objects: readonly DeployedObject[]) {
  const { template } = only(objects, 'Deployment').spec
  const [container] = template.spec.containers
  assert.ok(container !== undefined)
  return { ...template, container }
}

function matches(selector: Readonly<Record<string, string>>, labels: Readonly<object>): boolean {
  const given = new Map(Object.entries(labels))
  return Object.entries(selector).every(([name, value]) => given.get(name) === value)
}

/** The embedded configuration, as JSON would say it. */
function configurationOf(objects: readonly DeployedObject[]) {
  const text = only(objects, 'ConfigMap').data?.['gateway.yaml'] ?? ''
  const sections = parse(text) as {
    readonly server: { port: number; drain: { delay: string; timeout: string } }
    readonly admin: { port: number }
  }
  return { text, ...sections }
}

for (const [name, skip, load] of WAYS) {
  describe(`${name} for Kubernetes`, { skip }, () => {
    let objects: readonly DeployedObject[] = []
    before(() => {
      objects = load()
    })

    it('run five instances, of which a roll-out takes away one at most', () => {
      const { spec } = only(objects, 'Deployment')
      assert.equal(spec.replicas, 5)
      const rollingUpdate = { maxUnavailable: 1, maxSurge: 2 }
      assert.deepEqual(spec.strategy, { type: 'RollingUpdate', rollingUpdate })
    })

    it('let a node be drained, however many instances there are', () => {
      const { maxUnavailable, minAvailable } = only(objects, 'PodDisruptionBudget').spec
      assert.deepEqual([maxUnavailable, minAvailable], [undefined, 3])
    })

    it('ask for what an instance needs, and bound it', () => {
      const requests = { cpu: '500m', memory: '256Mi' }
      const limits = { cpu: '2000m', memory: '1Gi' }
      assert.deepEqual(podOf(objects).container.resources, { requests, limits })
    })

    it('ask whether it is ready every 5 s, and whether it is alive every 10', () => {
      const { livenessProbe, readinessProbe, startupProbe } = podOf(objects).container
      assert.deepEqual([readinessProbe.periodSeconds, livenessProbe.periodSeconds], [5, 10])
      assert.equal(readinessProbe.httpGet.path, '/health/ready')
      for (const probe of [livenessProbe, startupProbe]) {
        assert.equal(probe.httpGet.path, '/health/live')
        assert.equal(probe.httpGet.port, 'http')
      }
    })

    it('spread instances over zones', () => {
      const { metadata, spec } = podOf(objects)
      const terms = spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution
      const zone = terms.find(({ podAffinityTerm }) => {
        return podAffinityTerm.topologyKey === 'topology.kubernetes.io/zone'
      })
      assert.ok(zone !== undefined)
      assert.ok(matches(zone.podAffinityTerm.labelSelector.matchLabels, metadata.labels))
    })

    it('give it no rights that it does not need', () => {
      const { spec, container } = podOf(objects)
      const { runAsNonRoot, runAsUser } = spec.securityContext
      assert.deepEqual([runAsNonRoot, runAsUser], [true, 1000])
      assert.deepEqual(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
      assert.equal(spec.automountServiceAccountToken, false)
      const secret = spec.volumes.find((volume) => volume.secret !== undefined)?.secret
      assert.equal(secret?.defaultMode, 0o440)
    })

    it('wait for its end as long as it drains', () => {
      const { drain } = configurationOf(objects).server
      const seconds = (text: string) => Number(/^([0-9]+)s$/.exec(text)?.[1])
      const { spec, container } = podOf(objects)
      const longest = seconds(drain.delay) + seconds(drain.timeout) + END_SECONDS
      assert.ok(spec.terminationGracePeriodSeconds >= longest)
      // Other balancers than those of the cluster learn by the probe that it drains.
      assert.ok(seconds(drain.delay) >= 2 * container.readinessProbe.periodSeconds)
    })

    it('name the ports and files that the configuration and the image name', () => {
      const { container, spec } = podOf(objects)
      const { server, admin } = configurationOf(objects)
      const ports = Object.fromEntries(container.ports.map((it) => [it.name, it.containerPort]))
      assert.deepEqual(ports, { http: server.port, admin: admin.port })
      assert.match(readRepositoryFile('Dockerfile').text, /^EXPOSE 8080 9090$/m)
      const file = '/etc/sallyport/config/gateway.yaml'
      assert.deepEqual(container.args, ['serve', '--config', file])
      const folders = new Map(container.volumeMounts.map((it) => [it.name, it.mountPath]))
      const config = spec.volumes.find((volume) => volume.configMap !== undefined)
      assert.equal(folders.get(config?.name ?? ''), '/etc/sallyport/config')
      assert.equal(config?.configMap?.name, only(objects, 'ConfigMap').metadata.name)
      assert.equal(spec.serviceAccountName, only(objects, 'ServiceAccount').metadata.name)
    })

    it('lead both services, the budget and the policy to its pods', () => {
      const { metadata } = podOf(objects)
      const { http, admin } = {
        http: only(objects, 'Service'),
        admin: only(objects, 'Service', '-admin'),
      }
      for (const { spec } of [http, admin]) assert.ok(matches(spec.selector, metadata.labels))
      assert.deepEqual(
        [http.spec.ports[0]?.targetPort, admin.spec.ports[0]?.targetPort],
        ['http', 'admin'],
      )
      assert.equal(admin.spec.clusterIP, 'None')
      const budget = only(objects, 'PodDisruptionBudget').spec.selector.matchLabels
      assert.ok(matches(budget, metadata.labels))
      const policy = only(objects, 'NetworkPolicy').spec
      assert.ok(matches(policy.podSelector.matchLabels, metadata.labels))
      const open = policy.ingress.filter(({ from }) => from === undefined)
      assert.deepEqual(
        open.flatMap(({ ports = [] }) => ports.map(({ port }) => port)),
        ['http'],
      )
    })

    it('let only the gateway reach upstreams', () => {
      const { metadata } = podOf(objects)
      const { spec } = only(objects, 'NetworkPolicy', '-upstreams')
      assert.equal(spec.ingress.length, 1)
      const from = spec.ingress[0]?.from ?? []
      assert.equal(from.length, 1)
      assert.ok(matches(from[0]?.podSelector?.matchLabels ?? { none: '' }, metadata.labels))
      assert.ok(!matches(spec.podSelector.matchLabels, metadata.labels))
    })

    it('carry a configuration that the gateway takes', async () => {
      const { container } = podOf(objects)
      const { text } = configurationOf(objects)
      const file = join(directory, `${name.replaceAll(' ', '-')}.yaml`)
      writeFileSync(file, text.replaceAll(SECRETS, join(directory, 'secrets')))
      const environment = Object.fromEntries(
        container.env.map((variable) => [variable.name, 'a-token-of-many-letters']),
      )
      const command = new SpawnedCommand(['check', '--config', file], environment)
      assert.equal((await command.ended()).exitCode, 0, command.errors.join('\n'))
    })
  })
}

describe('the chart', { skip: helmMissing }, () => {
  it('rolls out a change of the configuration, unless the running ones read it', () => {
    const checksum = (...settings: string[]) =>
      podOf(rendered(...settings)).metadata.annotations?.['checksum/config']
    assert.match(checksum() ?? '', /^[0-9a-f]{64}$/)
    assert.notEqual(checksum(), checksum('config.server.urlBytes=1'))
    assert.equal(checksum('config.watch=true'), undefined)
  })

  it('leaves the number of instances to the autoscaler, which keeps the least of them', () => {
    const objects = rendered('autoscaling.enabled=true')
    const deployment = only(objects, 'Deployment')
    assert.equal(deployment.spec.replicas, undefined)
    const { spec } = only(objects, 'HorizontalPodAutoscaler')
    assert.equal(spec.scaleTargetRef.name, deployment.metadata.name)
    assert.ok(spec.minReplicas > (only(objects, 'PodDisruptionBudget').spec.minAvailable ?? 0))
  })

  it('has Prometheus read the metrics of the admin service alone', () => {
    const objects = rendered('serviceMonitor.enabled=true')
    const { spec } = only(objects, 'ServiceMonitor')
    const [endpoint] = spec.endpoints
    assert.deepEqual([endpoint?.port, endpoint?.path], ['admin', '/metrics'])
    const chosen = objects.filter(({ kind, metadata }) => {
      return kind === 'Service' && matches(spec.selector.matchLabels, metadata.labels ?? {})
    })
    assert.deepEqual(
      chosen.map(({ metadata }) => metadata.name),
      ['edge-admin'],
    )
  })

  it('refuses values that it does not know', () => {
    for (const setting of ['replicas=3', 'config.server.port=80', 'service.type="Any"']) {
      const { status, stderr } = template(exampleValues(), [setting])
      assert.notEqual(status, 0, setting)
      assert.match(stderr, /schema/)
    }
  })

  it('brings no issuer, upstream or route of its own, and says what is missing', () => {
    const none = template('', [])
    assert.notEqual(none.status, 0)
    for (const name of ['upstreams', 'routes']) {
      assert.match(none.stderr, new RegExp(`${name}.* is required|missing propert.*${name}`))
    }
    const { config } = parse(exampleValues()) as {
      readonly config: { readonly issuers: { readonly main: object } }
    }
    const { issuers, ...rest } = config
    const withoutIssuers = template(JSON.stringify({ config: rest }), [])
    assert.notEqual(withoutIssuers.status, 0)
    assert.match(withoutIssuers.stderr, /config\.issuers is missing/)
    const own = { config: { ...rest, issuers: { other: issuers.main } } }
    const { status, stdout } = template(JSON.stringify(own), [])
    assert.equal(status, 0)
    const { text } = configurationOf(deployedObjects(stdout))
    assert.deepEqual(Object.keys((parse(text) as { issuers: object }).issuers), ['other'])
  })

  it('lets an identity provider post logouts where it is told from where, and only there', () => {
    const from = [{ ipBlock: { cidr: '192.0.2.7/32' } }]
    const admins = (...settings: string[]) =>
      only(rendered(...settings), 'NetworkPolicy').spec.ingress.filter(({ ports = [] }) =>
        ports.some(({ port }) => port === 'admin'),
      )
    assert.equal(admins().length, 1)
    const opened = admins(`networkPolicy.backchannelLogout=${JSON.stringify(from)}`)
    assert.deepEqual(
      opened.slice(1).map((rule) => rule.from),
      [from],
    )
  })

  it('lets so many instances be away as are asked for, also where there are few', () => {
    const { spec } = only(
      rendered('replicaCount=2', 'podDisruptionBudget.maxUnavailable=1'),
      'PodDisruptionBudget',
    )
    assert.deepEqual([spec.minAvailable, spec.maxUnavailable], [undefined, 1])
  })
})

describe('the systemd unit', () => {
  const { text } = readRepositoryFile('deploy/systemd/sallyport.service')
  const settingOf = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]

  it('lets the gateway drain, and does not start a bad configuration again and again', () => {
    assert.ok(Number(settingOf('TimeoutStopSec')) >= 5 + 30 + END_SECONDS)
    assert.equal(settingOf('RestartPreventExitStatus'), '2')
    assert.equal(settingOf('KillMode'), 'mixed')
  })

  it('takes away what the gateway does not need, and leaves what V8 cannot do without', () => {
    for (const [name, value] of [
      ['DynamicUser', 'yes'],
      ['NoNewPrivileges', 'yes'],
      ['ProtectSystem', 'strict'],
      ['CapabilityBoundingSet', ''],
    ] as const) {
      assert.equal(settingOf(name), value)
    }
    assert.equal(settingOf('MemoryDenyWriteExecute'), undefined)
  })
})
