/** Revocations on disk between two processes, and files that somebody else has made. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { encodeRevocationRecord } from '../../src/revocation/revocation-record.ts'
import { RevocationSpool } from '../../src/revocation/revocation-spool.ts'
import { tokenEntryOf } from '../support/revocations.ts'

const NOW = 1_800_000_000
const RECORDS = [1, 2, 3].map((number) =>
  encodeRevocationRecord(tokenEntryOf(number, NOW + number)),
)
const FOREIGN_GROUP = 54_321
const GOOD = `sallyport revocations 1 1\n${RECORDS[0]}\n`

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-spool-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const nameOf = (number: number) =>
  join(directory, `revocations-${`${number}`.padStart(32, '0')}.txt`)

describe('revocations on disk', () => {
  it('are read as they were written, but for those that have expired, until removed', async () => {
    const spool = new RevocationSpool(join(directory, 'new', 'one'))
    assert.equal(await spool.save(RECORDS), true)
    const { entries, refusals, paths } = await spool.load(NOW + 1)
    assert.deepEqual(entries.map(encodeRevocationRecord), RECORDS.slice(1))
    assert.deepEqual([refusals, paths.length], [[], 1])
    assert.equal((await spool.load(NOW)).entries.length, 3, 'they are there until removed')
    await spool.remove(paths)
    assert.deepEqual(await spool.load(NOW), { entries: [], refusals: [], paths: [] })
  })

  it('are for this user alone, in files that are there as a whole or not at all', async () => {
    const spool = new RevocationSpool(join(directory, 'new'))
    await Promise.all([spool.save(RECORDS), spool.save(RECORDS)])
    const names = readdirSync(join(directory, 'new'))
    assert.equal(names.length, 2)
    for (const name of names) {
      assert.equal(statSync(join(directory, 'new', name)).mode & 0o777, 0o600)
      assert.match(
        readFileSync(join(directory, 'new', name), 'utf8'),
        /^sallyport revocations 1 3\n/,
      )
    }
    assert.equal(statSync(join(directory, 'new')).mode & 0o777, 0o700)
  })

  it('are not saved, and nothing is left behind, where nothing can be written', async () => {
    writeFileSync(join(directory, 'file'), '')
    assert.equal(await new RevocationSpool(join(directory, 'file')).save(RECORDS), false)
    const { refusals } = await new RevocationSpool(join(directory, 'file')).load(NOW)
    assert.deepEqual(refusals, ['unreadable'])
  })

  for (const [what, text] of [
    ['is empty', ''],
    ['was cut off within a record', GOOD.slice(0, -10)],
    ['was cut off after a record', `sallyport revocations 1 2\n${RECORDS[0]}\n`],
    ['has more records than it says', `${GOOD}${RECORDS[1]}\n`],
    ['is of a later version', GOOD.replace(' 1 1', ' 2 1')],
    ['says an absurd count', GOOD.replace(' 1 1', ' 1 1000000')],
    ['holds what is no record', `sallyport revocations 1 1\n{"version":1}\n`],
    ['holds a record that would last for ever', GOOD.replace(/"until":\d+/, '"until":4294967295')],
    ['holds other bytes', '\0\ufffd'],
  ] as const) {
    it(`are refused as a whole when the file ${what}, and the file stays`, async () => {
      writeFileSync(nameOf(1), text, { mode: 0o600 })
      writeFileSync(nameOf(2), GOOD, { mode: 0o600 })
      const { entries, refusals, paths } = await new RevocationSpool(directory).load(NOW)
      assert.deepEqual(entries.map(encodeRevocationRecord), RECORDS.slice(0, 1))
      assert.deepEqual([refusals, paths], [['corrupt'], [nameOf(2)]])
      assert.equal(readFileSync(nameOf(1), 'utf8'), text)
    })
  }

  it('are read where a volume has given a group of this process access', async () => {
    writeFileSync(nameOf(1), GOOD, { mode: 0o600 })
    chmodSync(nameOf(1), 0o660)
    const { entries, refusals } = await new RevocationSpool(directory).load(NOW)
    assert.deepEqual([entries.length, refusals], [1, []])
  })

  const isRoot = process.getuid?.() === 0
  it('are refused when another group has access', { skip: !isRoot && 'needs root' }, async () => {
    for (const [index, mode] of [0o660, 0o620, 0o640].entries()) {
      writeFileSync(nameOf(index), GOOD, { mode: 0o600 })
      chownSync(nameOf(index), 0, FOREIGN_GROUP)
      chmodSync(nameOf(index), mode)
    }
    const { entries, refusals } = await new RevocationSpool(directory).load(NOW)
    assert.deepEqual(entries, [])
    assert.deepEqual(refusals, new Array(3).fill('unsafe_permissions'))
  })

  it('are read behind any number of files that are refused', async () => {
    for (let number = 0; number < 70; number += 1) {
      writeFileSync(nameOf(number), 'x', { mode: 0o600 })
    }
    writeFileSync(nameOf(70), GOOD, { mode: 0o600 })
    const { entries, refusals, paths } = await new RevocationSpool(directory).load(NOW)
    assert.deepEqual([entries.length, paths], [1, [nameOf(70)]])
    assert.deepEqual(refusals, new Array(70).fill('corrupt'))
  })

  it('leave no file behind that a killed process was writing', async () => {
    const [old, young] = [`${nameOf(1)}.tmp`, `${nameOf(2)}.tmp`]
    const foreign = join(directory, 'notes.tmp')
    for (const path of [old, young, foreign]) writeFileSync(path, GOOD, { mode: 0o600 })
    utimesSync(old, NOW - 700, NOW - 700)
    utimesSync(foreign, NOW - 700, NOW - 700)
    utimesSync(young, NOW - 60, NOW - 60)
    await new RevocationSpool(directory).load(NOW)
    assert.deepEqual(
      readdirSync(directory).sort(),
      [young, foreign].map((path) => basename(path)).sort(),
    )
  })

  it('are refused when others may read or write the file, or it is a link or a pipe', async () => {
    writeFileSync(nameOf(1), GOOD, { mode: 0o600 })
    chmodSync(nameOf(1), 0o602)
    writeFileSync(nameOf(2), GOOD, { mode: 0o600 })
    chmodSync(nameOf(2), 0o604)
    writeFileSync(join(directory, 'elsewhere'), GOOD, { mode: 0o600 })
    symlinkSync(join(directory, 'elsewhere'), nameOf(3))
    execFileSync('mkfifo', ['-m', '600', nameOf(4)])
    const { entries, refusals } = await new RevocationSpool(directory).load(NOW)
    assert.deepEqual(entries, [])
    const expected = ['unsafe_permissions', 'unsafe_permissions', 'unreadable', 'corrupt']
    assert.deepEqual(refusals, expected)
  })

  it('are read from so many files at most, and the others at the next start', async () => {
    for (let number = 0; number < 65; number += 1) {
      writeFileSync(nameOf(number), GOOD, { mode: 0o600 })
    }
    const spool = new RevocationSpool(directory)
    const first = await spool.load(NOW)
    assert.deepEqual([first.entries.length, first.refusals], [64, ['too_many']])
    await spool.remove(first.paths)
    const second = await spool.load(NOW)
    assert.deepEqual([second.entries.length, second.refusals], [1, []])
  })
})
