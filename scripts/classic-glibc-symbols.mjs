/**
 * Re-points symbols that only glibc 2.38 and later have to the names that every glibc has, in the
 * bytes of a shared library.
 *
 * A compiler that defaults to C23 turns `strtol` into `__isoc23_strtol`, which exists since glibc
 * 2.38 and differs in one thing: it also reads binary literals such as `0b101`. A library that was
 * built there but does not need that runs with the older function as well.
 *
 * What the dynamic linker looks at, and what changes (in place; the file keeps its size):
 *
 *     .dynsym          symbol i: st_name ──► .dynstr "__isoc23_strtol\0"
 *                                   now ────────────────────► "strtol\0": the tail of that string
 *     .gnu.version     symbol i: index of a required version, 2.38's before, the classic one's now
 *     .gnu.version_r   libc.so.6 ─► … ─► { hash, name = GLIBC_2.38, index } ─► …
 *                                   now { hash, name = the classic version, index }
 *
 * The last is needed because the linker refuses a library whose list names a version that is
 * missing, even when no symbol uses it. Naming the classic version twice is harmless.
 *
 * Limits: ELF64, little endian, System V layout as GNU ld and LLD write it. Anything unexpected
 * throws; the caller compares the result with a known SHA-256 before anyone loads it.
 */

const SECTION_DYNSYM = 11
const SECTION_GNU_VERSION = 0x6fffffff
const SECTION_GNU_VERSION_R = 0x6ffffffe

const SYMBOL_SIZE_BYTES = 24
const C23_PREFIX = '__isoc23_'

/**
 * @typedef {{ type: number, offset: number, size: number, link: number, count: number }} Section
 * @typedef {{ offset: number, file: string, version: string, index: number }} Requirement
 */

/**
 * The classic version of the symbols in question: the oldest that glibc has for the architecture.
 * @type {Readonly<Record<string, string>>}
 */
const CLASSIC_VERSIONS = { x64: 'GLIBC_2.2.5', arm64: 'GLIBC_2.17' }

/**
 * @param {Buffer} original Bytes of the library; not changed.
 * @param {string} architecture `x64` or `arm64`, as `process.arch` says.
 * @returns {Buffer} The changed copy.
 */
export function withClassicGlibcSymbols(original, architecture) {
  const classicVersion = CLASSIC_VERSIONS[architecture]
  if (classicVersion === undefined) throw new Error(`no classic glibc known for ${architecture}`)

  const bytes = Buffer.from(original)
  const sections = readSections(bytes)
  const dynsym = sectionOfType(sections, SECTION_DYNSYM)
  const versions = sectionOfType(sections, SECTION_GNU_VERSION)
  const strings = linkedSection(sections, dynsym)
  const requirements = readRequirements(
    bytes,
    sectionOfType(sections, SECTION_GNU_VERSION_R),
    strings,
  )
  const classic = findRequirement(requirements, classicVersion)
  const tooNew = findRequirement(requirements, 'GLIBC_2.38')

  for (let symbol = 0; symbol * SYMBOL_SIZE_BYTES < dynsym.size; symbol += 1) {
    const versionOffset = versions.offset + symbol * 2
    if (bytes.readUInt16LE(versionOffset) !== tooNew.index) continue
    const nameOffset = dynsym.offset + symbol * SYMBOL_SIZE_BYTES
    const nameIndex = bytes.readUInt32LE(nameOffset)
    const name = readString(bytes, strings, nameIndex)
    if (!name.startsWith(C23_PREFIX)) throw new Error(`${name} has no older form`)
    bytes.writeUInt32LE(nameIndex + C23_PREFIX.length, nameOffset)
    bytes.writeUInt16LE(classic.index, versionOffset)
  }

  // An entry is { hash: 4 bytes, flags: 2, index: 2, name: 4, next: 4 }.
  bytes.writeUInt32LE(versionHash(classicVersion), tooNew.offset)
  bytes.copy(bytes, tooNew.offset + 8, classic.offset + 8, classic.offset + 12)
  return bytes
}

/**
 * @param {Buffer} bytes
 * @returns {Section[]}
 */
function readSections(bytes) {
  const isElf64LittleEndian =
    bytes.readUInt32BE(0) === 0x7f454c46 && bytes.readUInt16BE(4) === 0x0201
  if (!isElf64LittleEndian) throw new Error('not a 64-bit little-endian ELF file')
  const tableOffset = Number(bytes.readBigUInt64LE(0x28))
  const entrySize = bytes.readUInt16LE(0x3a)
  const entryCount = bytes.readUInt16LE(0x3c)
  return Array.from({ length: entryCount }, (_, number) => {
    const entry = tableOffset + number * entrySize
    return {
      type: bytes.readUInt32LE(entry + 4),
      offset: Number(bytes.readBigUInt64LE(entry + 24)),
      size: Number(bytes.readBigUInt64LE(entry + 32)),
      link: bytes.readUInt32LE(entry + 40),
      count: bytes.readUInt32LE(entry + 44),
    }
  })
}

/**
 * @param {Section[]} sections
 * @param {number} type
 */
function sectionOfType(sections, type) {
  const section = sections.find((candidate) => candidate.type === type)
  if (section === undefined) throw new Error(`no section of type 0x${type.toString(16)}`)
  return section
}

/**
 * @param {Section[]} sections
 * @param {Section} section
 */
function linkedSection(sections, section) {
  const linked = sections[section.link]
  if (linked === undefined) throw new Error('a section links to one that does not exist')
  return linked
}

/**
 * @param {Buffer} bytes
 * @param {Section} strings
 * @param {number} index
 */
function readString(bytes, strings, index) {
  const start = strings.offset + index
  const end = bytes.indexOf(0, start)
  if (index >= strings.size || end === -1) throw new Error('a name lies outside the string table')
  return bytes.toString('latin1', start, end)
}

/**
 * Walks the two-level list: per needed file, the versions wanted of it.
 *
 * @param {Buffer} bytes
 * @param {Section} section
 * @param {Section} strings
 * @returns {Requirement[]}
 */
function readRequirements(bytes, section, strings) {
  /** @type {Requirement[]} */
  const requirements = []
  // A file is { version: 2 bytes, count: 2, name: 4, offset of the first entry: 4, next: 4 }.
  let fileOffset = section.offset
  for (let left = section.count; left > 0; left -= 1) {
    const file = readString(bytes, strings, bytes.readUInt32LE(fileOffset + 4))
    let offset = fileOffset + bytes.readUInt32LE(fileOffset + 8)
    for (let entries = bytes.readUInt16LE(fileOffset + 2); entries > 0; entries -= 1) {
      const version = readString(bytes, strings, bytes.readUInt32LE(offset + 8))
      requirements.push({ offset, file, version, index: bytes.readUInt16LE(offset + 6) })
      offset += bytes.readUInt32LE(offset + 12)
    }
    fileOffset += bytes.readUInt32LE(fileOffset + 12)
  }
  return requirements
}

/**
 * @param {Requirement[]} requirements
 * @param {string} version
 */
function findRequirement(requirements, version) {
  const found = requirements.find(
    (requirement) => requirement.file === 'libc.so.6' && requirement.version === version,
  )
  if (found === undefined) throw new Error(`the library does not ask libc.so.6 for ${version}`)
  return found
}

/**
 * The System V hash of a version name, which the linker compares before the name itself.
 *
 * @param {string} version
 */
function versionHash(version) {
  let hash = 0
  for (const character of version) {
    hash = ((hash << 4) + character.charCodeAt(0)) >>> 0
    const high = hash & 0xf0000000
    hash = (hash ^ (high >>> 24)) & ~high
  }
  return hash >>> 0
}
