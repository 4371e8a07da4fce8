import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { KeyDerivation } from '../../src/identity/derived-keys.ts'
import { keyOverlap } from '../../src/identity/key-overlap.ts'
import { KEY_FILES_MAX } from '../../src/identity/read-key-files.ts'
import {
  generateSigningKey,
  type InternalTokenAlgorithm,
  type SigningKey,
} from '../../src/identity/signing-key.ts'
import {
  openSigningKeys,
  type SigningKeyEvent,
  type SigningKeySource,
  type SigningKeys,
  type SigningKeysOptions,
  type SigningSnapshot,
} from '../../src/identity/signing-keys.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'

const DAY_MS = 86_400_000
const OVERLAP = keyOverlap({
  keyRotationMs: DAY_MS,
  tokenTtlSeconds: 300,
  upstreamToleranceSeconds: 30,
  upstreamCacheMs: 600_000,
})
const secretSource = (secret: Uint8Array, published: readonly KeyDerivation[] = []) =>
  ({ kind: 'secret', secret, published }) as const
const SECRET = secretSource(Buffer.alloc(32, 7))
const GENERATED: SigningKeySource = { kind: 'generated' }

interface Rig {
  readonly keys: SigningKeys
  readonly clock: ManualClock
  readonly snapshots: SigningSnapshot[]
  readonly events: SigningKeyEvent[]
  /** Moves the clock and has the keys follow. */
  readonly pass: (durationMs: number) => Promise<void>
}

function optionsFor(source: SigningKeySource): SigningKeysOptions {
  return { algorithm: 'ES256', keyRotationMs: DAY_MS, overlap: OVERLAP, source }
}

async function open(source: SigningKeySource, clock = new ManualClock()): Promise<Rig> {
  const snapshots: SigningSnapshot[] = []
  const events: SigningKeyEvent[] = []
  const opened = await openSigningKeys(optionsFor(source), {
    clock,
    onSnapshot: (snapshot) => snapshots.push(snapshot),
    onEvent: (event) => events.push(event),
  })
  assert.ok(opened.ok, JSON.stringify(opened))
  const keys = opened.signingKeys
  const pass = async (durationMs: number) => {
    clock.advanceMs(durationMs)
    await keys.tick()
  }
  return { keys, clock, snapshots, events, pass }
}

async function refusal(source: SigningKeySource): Promise<string> {
  const parts = { clock: new ManualClock(), onSnapshot: () => {}, onEvent: () => {} }
  const opened = await openSigningKeys(optionsFor(source), parts)
  return opened.ok ? 'opened' : opened.reason
}

const names = (keys: SigningKeys) => keys.snapshot().published.map(({ kid }) => kid)
const signer = (keys: SigningKeys) => keys.snapshot().signing.keyId

describe('the overlap of keys', () => {
  it('covers what upstreams cache, what tokens live, and clocks that differ', () => {
    assert.deepEqual(OVERLAP, {
      aheadMs: 600_000 + 150_000,
      behindMs: 330_000 + 150_000,
      upstreamCacheSeconds: 600,
    })
  })

  it('lets upstreams cache no longer than a quarter of a rotation', () => {
    const overlap = keyOverlap({
      keyRotationMs: 1_200_000,
      tokenTtlSeconds: 300,
      upstreamToleranceSeconds: 0,
      upstreamCacheMs: 600_000,
    })
    assert.equal(overlap.upstreamCacheSeconds, 300)
    assert.equal(overlap.aheadMs, 450_000)
  })
})

describe('a snapshot of the signing keys', () => {
  it('survives the way to another thread, and cannot be changed here', async () => {
    const { keys } = await open(GENERATED)
    const snapshot = keys.snapshot()
    assert.deepEqual(structuredClone(snapshot), snapshot)
    for (const part of [snapshot, snapshot.signing, snapshot.published, snapshot.published[0]]) {
      assert.ok(Object.isFrozen(part))
    }
  })

  it('publishes no private member', async () => {
    for (const source of [GENERATED, SECRET]) {
      const { keys } = await open(source)
      const { jwks, published } = keys.snapshot()
      assert.deepEqual(JSON.parse(jwks), { keys: published })
      assert.doesNotMatch(jwks, /"d"|PRIVATE/)
    }
  })

  it('tells upstreams to ask again before the next key signs', async () => {
    const { keys } = await open(GENERATED)
    assert.equal(keys.snapshot().jwksMaxAgeSeconds, 600)
  })
})

describe('generated keys', () => {
  it('sign at once, are announced, take over, and stay until their last token is dead', async () => {
    const { keys, events, pass } = await open(GENERATED)
    const [first] = names(keys)
    assert.equal(signer(keys), first)

    await pass(DAY_MS - OVERLAP.aheadMs - 1)
    assert.deepEqual(names(keys), [first])
    await pass(1)
    const [second] = names(keys)
    assert.deepEqual(names(keys), [second, first])
    assert.equal(signer(keys), first)

    await pass(OVERLAP.aheadMs - 1)
    assert.equal(signer(keys), first)
    await pass(1)
    assert.equal(signer(keys), second)
    assert.deepEqual(names(keys), [second, first])

    await pass(OVERLAP.behindMs - 1)
    assert.deepEqual(names(keys), [second, first])
    await pass(1)
    assert.deepEqual(names(keys), [second])
    assert.deepEqual(
      events.map(({ type, keyId }) => [type, keyId]),
      [
        ['signing_key_published', second],
        ['signing_key_rotated', second],
        ['signing_key_retired', first],
      ],
    )
  })

  it('are not skipped by a process that slept through their publication', async () => {
    const { keys, pass } = await open(GENERATED)
    const first = signer(keys)
    await pass(10 * DAY_MS)
    assert.equal(signer(keys), first, 'nobody can know the new key yet')
    assert.equal(names(keys).length, 2)
    await pass(OVERLAP.aheadMs)
    assert.notEqual(signer(keys), first)
    assert.ok(names(keys).includes(first), 'it has signed until a moment ago')
  })

  it('tell only of changes, and when the next one is due', async () => {
    const { keys, snapshots, clock } = await open(GENERATED)
    assert.equal(await keys.tick(), DAY_MS - OVERLAP.aheadMs)
    assert.equal(snapshots.length, 0)
    clock.advanceMs(DAY_MS - OVERLAP.aheadMs)
    assert.equal(await keys.tick(), OVERLAP.aheadMs)
    assert.equal(snapshots.length, 1)
    assert.equal(snapshots[0], keys.snapshot())
  })

  it('rotate by themselves once started, and no more when stopped', async () => {
    const { keys, snapshots, clock, pass } = await open(GENERATED)
    await pass(DAY_MS - OVERLAP.aheadMs - 5)
    keys.start()
    clock.advanceMs(5)
    await eventually('the next key is published', () => snapshots.length === 1)
    keys.stop()
  })
})

describe('keys that are derived from a secret', () => {
  it('are the same for all who know the secret, at any start', async () => {
    const clock = new ManualClock()
    const early = await open(SECRET, clock)
    await early.pass(5 * DAY_MS + 12_345)
    const late = await open(SECRET, clock)
    assert.deepEqual(late.keys.snapshot(), early.keys.snapshot())
    const stranger = await open(secretSource(Buffer.alloc(32, 8)), clock)
    assert.notEqual(signer(stranger.keys), signer(late.keys))
  })

  it('change at the same instant everywhere: whole rotations since 1970', async () => {
    const { keys, pass } = await open(SECRET, new ManualClock(20_000 * DAY_MS + DAY_MS / 2))
    const first = signer(keys)
    assert.deepEqual(names(keys), [first])
    await pass(DAY_MS / 2 - OVERLAP.aheadMs)
    assert.equal(names(keys).length, 2)
    await pass(OVERLAP.aheadMs - 1)
    assert.equal(signer(keys), first)
    await pass(1)
    assert.notEqual(signer(keys), first)
    assert.equal(names(keys)[1], first)
    await pass(OVERLAP.behindMs - 1)
    assert.equal(names(keys).length, 2)
    await pass(1)
    assert.deepEqual(names(keys), [signer(keys)])
  })

  it('of another secret, algorithm or rotation are published beside them and do not sign', async () => {
    const clock = new ManualClock()
    const own = { algorithm: 'ES256', keyRotationMs: DAY_MS, secret: Buffer.alloc(32, 7) } as const
    for (const other of [
      { ...own, secret: Buffer.alloc(32, 8) },
      { ...own, algorithm: 'EdDSA' },
      { ...own, keyRotationMs: DAY_MS / 2 },
    ] as const) {
      const last = await open(SECRET, clock)
      const { algorithm, keyRotationMs } = other
      const opened = await openSigningKeys(
        { algorithm, keyRotationMs, overlap: OVERLAP, source: secretSource(other.secret, [own]) },
        { clock, onSnapshot: () => {}, onEvent: () => {} },
      )
      assert.ok(opened.ok)
      const next = opened.signingKeys
      const prepared = await open(secretSource(own.secret, [other]), clock)
      assert.notEqual(signer(next), signer(last.keys))
      assert.equal(signer(prepared.keys), signer(last.keys))
      // Each step publishes what the one before it and the one behind it sign with.
      assert.ok(names(prepared.keys).includes(signer(next)))
      assert.ok(names(next).includes(signer(last.keys)))
      await last.pass(DAY_MS)
      await next.tick()
      assert.ok(names(next).includes(signer(last.keys)), 'also after a rotation')
    }
  })

  it('right themselves when the clock is set back', async () => {
    const { keys, pass } = await open(SECRET)
    const before = keys.snapshot()
    await pass(2 * DAY_MS)
    await pass(-2 * DAY_MS)
    assert.deepEqual(keys.snapshot(), before)
  })

  it('are not derived from a secret that can be guessed', async () => {
    assert.equal(await refusal(secretSource(Buffer.alloc(31, 7))), 'secret_too_short')
  })
})

describe('keys in files', () => {
  let root = ''
  let directories = 0
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'sallyport-signing-keys-'))
  })
  after(() => rm(root, { recursive: true }))

  /** Opens them as of a day after they were put into their place. */
  const openLater = (files: SigningKeySource, ageMs = DAY_MS) =>
    open(files, new ManualClock(Date.now() + ageMs))

  /** A directory with these files, whose dates are old. */
  async function directoryOf(files: Record<string, SigningKey | string>): Promise<string> {
    directories += 1
    const directory = join(root, String(directories))
    await mkdir(directory)
    for (const [name, key] of Object.entries(files)) await put(directory, name, key)
    return directory
  }

  async function put(directory: string, name: string, key: SigningKey | string): Promise<void> {
    const path = join(directory, name)
    await writeFile(path, typeof key === 'string' ? key : key.privateKeyPem, { mode: 0o600 })
    await utimes(path, 0, 0)
  }

  const made = (algorithm: InternalTokenAlgorithm = 'ES256') => generateSigningKey(algorithm)
  const source = (path: string): SigningKeySource => ({ kind: 'files', path })

  it('are all published, and the last by name signs', async () => {
    const [january, february] = [made(), made()]
    const path = await directoryOf({ '2026-02.pem': february, '2026-01.pem': january })
    const { keys } = await openLater(source(path))
    assert.equal(signer(keys), february.keyId)
    assert.deepEqual(names(keys), [february.keyId, january.keyId])
  })

  it('may be one single file', async () => {
    const key = made()
    const path = await directoryOf({ 'signing.key': key })
    const { keys } = await openLater(source(join(path, 'signing.key')))
    assert.deepEqual(names(keys), [key.keyId])
  })

  it('are found through links, and hidden and other files are left alone', async () => {
    const key = made()
    const path = await directoryOf({ '.hidden.pem': 'rubbish', 'notes.txt': 'rubbish' })
    const elsewhere = await directoryOf({ 'key.pem': key })
    await symlink(join(elsewhere, 'key.pem'), join(path, 'linked.pem'))
    const { keys } = await openLater(source(path))
    assert.deepEqual(names(keys), [key.keyId])
  })

  it('sign only when they have been published for long enough', async () => {
    const [january, february] = [made(), made()]
    const path = await directoryOf({ '2026-01.pem': january })
    const { keys, pass } = await openLater(source(path))
    await put(path, '2026-02.pem', february)
    await pass(10_000)
    assert.deepEqual(names(keys), [february.keyId, january.keyId])
    assert.equal(signer(keys), january.keyId, 'whatever age the new file claims')
    await pass(OVERLAP.aheadMs - 1)
    assert.equal(signer(keys), january.keyId)
    await pass(1)
    assert.equal(signer(keys), february.keyId)
  })

  it('that have just come sign only when others can have seen them, whatever their date', async () => {
    const [january, february] = [made(), made()]
    const path = await directoryOf({ '2026-01.pem': january })
    await delay(150)
    await put(path, '2026-02.pem', february)
    // An instance that starts when the first file is old enough, and the second is not.
    const { ctimeMs } = await stat(join(path, '2026-02.pem'))
    const clock = new ManualClock(ctimeMs + OVERLAP.aheadMs - 100)
    const { keys, pass } = await open(source(path), clock)
    assert.equal(signer(keys), january.keyId)
    assert.equal(names(keys).length, 2)
    await pass(OVERLAP.aheadMs)
    assert.equal(signer(keys), february.keyId)
  })

  it('of which all are new sign by the oldest', async () => {
    const [january, february] = [made(), made()]
    const path = await directoryOf({ '2026-01.pem': january, '2026-02.pem': february })
    assert.equal(signer((await openLater(source(path), 0)).keys), january.keyId)
  })

  it('that are removed stop signing at once, and are published until their tokens are dead', async () => {
    const [january, february] = [made(), made()]
    const path = await directoryOf({ '2026-01.pem': january, '2026-02.pem': february })
    const { keys, pass } = await openLater(source(path))
    await rm(join(path, '2026-02.pem'))
    await pass(10_000)
    assert.equal(signer(keys), january.keyId)
    await pass(OVERLAP.behindMs - 1)
    assert.deepEqual(names(keys), [february.keyId, january.keyId])
    await pass(1)
    assert.deepEqual(names(keys), [january.keyId])
  })

  it('that are replaced in place sign on until the new one is known to upstreams', async () => {
    const [old, next] = [made(), made()]
    const path = await directoryOf({ 'signing.pem': old })
    const { keys, pass, events } = await openLater(source(path))
    await put(path, 'signing.pem', next)
    await pass(10_000)
    assert.equal(signer(keys), old.keyId)
    assert.deepEqual(new Set(names(keys)), new Set([old.keyId, next.keyId]))
    await pass(OVERLAP.aheadMs)
    assert.equal(signer(keys), next.keyId)
    await pass(OVERLAP.behindMs)
    assert.deepEqual(names(keys), [next.keyId])
    assert.ok(events.every(({ type }) => type !== 'key_files_failed'))
  })

  it('of the other algorithm are published and do not sign', async () => {
    const [current, next] = [made('ES256'), made('EdDSA')]
    const path = await directoryOf({ 'a.pem': current, 'b.pem': next })
    const { keys } = await openLater(source(path))
    assert.equal(signer(keys), current.keyId)
    assert.deepEqual(names(keys), [next.keyId, current.keyId])
  })

  it('stay in use when their files cannot be read any more, and that is told once', async () => {
    const key = made()
    const path = await directoryOf({ 'key.pem': key })
    const { keys, pass, events, snapshots } = await openLater(source(path))
    await rm(path, { recursive: true })
    for (let times = 0; times < 3; times += 1) await pass(OVERLAP.behindMs)
    assert.equal(signer(keys), key.keyId)
    assert.deepEqual(names(keys), [key.keyId])
    assert.deepEqual(snapshots, [])
    assert.deepEqual(events, [{ type: 'key_files_failed', keyId: null, reason: 'unreadable' }])
  })

  it('stay in use when the last file is removed, and that is told', async () => {
    const key = made()
    const path = await directoryOf({ 'key.pem': key })
    const { keys, pass, events } = await openLater(source(path))
    await rm(join(path, 'key.pem'))
    await pass(OVERLAP.behindMs)
    await pass(OVERLAP.behindMs)
    assert.equal(signer(keys), key.keyId)
    assert.deepEqual(events, [{ type: 'key_files_failed', keyId: null, reason: 'no_key' }])
  })

  it('do not suffer from one of them that is half written', async () => {
    const [january, february] = [made(), made()]
    const path = await directoryOf({ '2026-01.pem': january })
    const { keys, pass, events } = await openLater(source(path))
    await put(path, '2026-02.pem', february.privateKeyPem.slice(0, 60))
    await pass(10_000)
    assert.deepEqual(names(keys), [january.keyId])
    assert.equal(events[0]?.reason, 'unusable_key')
    await put(path, '2026-02.pem', february)
    await pass(10_000)
    assert.deepEqual(names(keys), [february.keyId, january.keyId])
  })

  it('keep the gateway from starting when anything is wrong with them', async () => {
    const good = made()
    assert.equal(await refusal(source(join(root, 'absent'))), 'unreadable')
    assert.equal(await refusal(source(await directoryOf({}))), 'no_key')
    const other = await directoryOf({ 'a.pem': made('EdDSA') })
    assert.equal(await refusal(source(other)), 'no_key')
    const broken = await directoryOf({ 'a.pem': good, 'b.pem': 'rubbish' })
    assert.equal(await refusal(source(broken)), 'unusable_key')
    const huge = await directoryOf({ 'a.pem': good, 'b.pem': 'x'.repeat(20_000) })
    assert.equal(await refusal(source(huge)), 'unusable_key')
    const open = await directoryOf({ 'a.pem': good })
    await chmod(join(open, 'a.pem'), 0o666)
    assert.equal(await refusal(source(open)), 'unsafe_permissions')
    const files: Record<string, SigningKey> = {}
    for (let count = 0; count <= KEY_FILES_MAX; count += 1) files[`${10 + count}.pem`] = made()
    assert.equal(await refusal(source(await directoryOf(files))), 'too_many_files')
  })
})
