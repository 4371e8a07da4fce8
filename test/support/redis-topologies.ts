/** A real cluster of six nodes, and a real set of sentinels, for tests. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './eventually.ts'
import { RedisServer } from './redis-server.ts'

export interface RedisTopology {
  /** What a configuration names. */
  readonly addresses: readonly string[]
  readonly servers: readonly RedisServer[]
  stop(): Promise<void>
}

const CLUSTER_NODES = 6
const FORMING_MS = 30_000

/** Three masters with a replica each. */
export async function startCluster(): Promise<RedisTopology> {
  const servers = await Promise.all(
    Array.from({ length: CLUSTER_NODES }, () =>
      RedisServer.start('--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'),
    ),
  )
  const addresses = servers.map(({ address }) => address)
  const words = ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']
  const formed = spawnSync('redis-cli', words, { encoding: 'utf8' })
  if (formed.status !== 0) throw new Error(`no cluster: ${formed.stdout}${formed.stderr}`)
  const isFormed = async () => {
    const told = await Promise.all(servers.map((server) => server.command('CLUSTER', 'INFO')))
    return told.every((text) => text.includes('cluster_state:ok'))
  }
  await eventually('the cluster is formed', isFormed, FORMING_MS)
  return { addresses, servers, stop: () => stopAll(servers) }
}

/** A master, a replica, and three sentinels that watch them under the name `mymaster`. */
export async function startSentinels(): Promise<
  RedisTopology & { readonly master: RedisServer; readonly replica: RedisServer }
> {
  const master = await RedisServer.start()
  const replica = await RedisServer.start('--replicaof', '127.0.0.1', `${master.port}`)
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-sentinel-'))
  const sentinels: RedisServer[] = []
  for (let count = 0; count < 3; count += 1) {
    const file = join(folder, `${count}.conf`)
    writeFileSync(
      file,
      [
        `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
        'sentinel down-after-milliseconds mymaster 500',
        'sentinel failover-timeout mymaster 3000',
      ].join('\n'),
    )
    sentinels.push(await RedisServer.startFrom(file, '--sentinel'))
  }
  const knowEachOther = async () => {
    const told = await Promise.all(
      sentinels.map((sentinel) => sentinel.command('SENTINEL', 'MASTER', 'mymaster')),
    )
    return told.every((text) => /num-slaves\r\n\$1\r\n1/.test(text) && text.includes('\r\n2\r\n'))
  }
  await eventually('the sentinels know each other', knowEachOther, FORMING_MS)
  const servers = [master, replica, ...sentinels]
  return {
    addresses: sentinels.map(({ address }) => address),
    servers,
    master,
    replica,
    async stop() {
      await stopAll(servers)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function stopAll(servers: readonly RedisServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.stop()))
}
