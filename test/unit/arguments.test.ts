/** The command line. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readArguments } from '../../src/cli/arguments.ts'
import { usage } from '../../src/cli/usage.ts'

describe('Command line', () => {
  const good = [
    [['serve', '--config', 'f'], { command: 'serve', configFile: 'f' }],
    [['serve', '--config=f'], { command: 'serve', configFile: 'f' }],
    [['check', '--config', 'f'], { command: 'check', configFile: 'f', online: false }],
    [['check', '--online', '--config', 'f'], { command: 'check', configFile: 'f', online: true }],
    [['demo'], { command: 'demo' }],
    [['explain', '--config', 'f', '--header', 'a: b', '--header', 'c: d'], { command: 'explain' }],
    [['--help'], { command: 'help' }],
    [['serve', '-h'], { command: 'help' }],
    [['--version'], { command: 'version' }],
  ] as const
  for (const [words, invocation] of good) {
    it(`takes "${words.join(' ')}"`, () => {
      assert.deepEqual(readArguments(words), { ok: true, invocation })
    })
  }

  const bad = [
    [[], ['a command is missing']],
    [['sreve'], ['unknown command "sreve"']],
    [['constructor'], ['unknown command "constructor"']],
    [['serve'], ['--config FILE is missing']],
    [['serve', '--config'], ['--config needs a value: --config FILE']],
    [['serve', '--config='], ['--config needs a value: --config FILE']],
    [['check', '--config', '--online'], ['--config needs a value: --config FILE']],
    [['serve', '--config', 'a', '--config', 'b'], ['--config is given twice']],
    [['serve', '--config', 'a', 'b'], ['an argument belongs to no option']],
    [['check', '--config', 'a', '--online=x'], ['--online takes no value']],
    [
      ['serve', '--online', '--frob', '-x'],
      [
        'unknown option --online',
        'unknown option --frob',
        'unknown option -x',
        '--config FILE is missing',
      ],
    ],
    [['demo', '--toString'], ['unknown option --toString']],
  ] as const
  for (const [words, problems] of bad) {
    it(`refuses "${words.join(' ')}"`, () => {
      assert.deepEqual(readArguments(words), { ok: false, problems })
    })
  }

  it('is explained, every command and option of it that there is', () => {
    for (const word of ['serve', 'check', 'health', 'demo', '--config FILE', '--online']) {
      assert.ok(usage().includes(word), word)
    }
  })
})
