import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { keyOverlap } from '../../src/identity/key-overlap.ts'
import { KEY_FILES_MAX } from '../../src/identity/read-key-files.ts'
import {
  generateSigningKey,
  type InternalTokenAlgorithm,
  type SigningKey,
} from '../../src/identity/signing-key.ts'
import type { SigningKeySource } from '../../src/identity/signing-keys.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manual-clock.ts'
import {
  DAY_MS,
  GENERATED,
  names,
  OVERLAP,
  open,
  refusal,
  SECRET,
  signer,
} from '../support/signing-key-rig.ts'

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
    assert.equal(signer(keys), first, 'no upstream can know the new key yet')
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
    for (const mode of [0o602, 0o620, 0o666]) {
      await chmod(join(open, 'a.pem'), mode)
      assert.equal(await refusal(source(open)), 'unsafe_permissions')
    }
    const files: Record<string, SigningKey> = {}
    for (let count = 0; count <= KEY_FILES_MAX; count += 1) files[`${10 + count}.pem`] = made()
    assert.equal(await refusal(source(await directoryOf(files))), 'too_many_files')
  })
})
