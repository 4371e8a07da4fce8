/** The command line. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readArguments } from '../../src/cli/arguments.ts'
import { usage } from '../../src/cli/usage.ts'

describe('Command line', () => {
  const good = [
    [['serve', '--config', 'f'], { command: 'serve', configFile: 'f' }],
    [['serve', '--config=f'], { command: 'serve', configFile: 'f' }],
    [['check', '--config', 'f'], { command: 'check', configFile: 'f', online: false, proxy: null }],
    [
      ['check', '--online', '--config', 'f'],
      { command: 'check', configFile: 'f', online: true, proxy: null },
    ],
    [
      ['check', '--config', 'f', '--proxy', 'nginx'],
      { command: 'check', configFile: 'f', online: false, proxy: 'nginx' },
    ],
    [['demo'], { command: 'demo' }],
    [['--help'], { command: 'help' }],
    [['serve', '-h'], { command: 'help' }],
    [['--version'], { command: 'version' }],
  ] as const
  for (const [words, invocation] of good) {
    it(`takes "${words.join(' ')}"`, () => {
      assert.deepEqual(readArguments(words), { ok: true, invocation })
    })
  }

  it('takes a request to explain, with headers in their order', () => {
    const words = ['--config', 'f', '--url', '/x', '--header', 'a: b', '--header', 'C:d:e']
    const reading = readArguments(['explain', ...words, '--cookie', 'sid=1', '--token', '-'])
    assert.ok(reading.ok && reading.invocation.command === 'explain')
    const { request, token, configFile } = reading.invocation
    assert.deepEqual(request?.headers, ['a', 'b', 'C', 'd:e', 'cookie', 'sid=1'])
    assert.deepEqual([request.method, request.url, configFile], ['GET', '/x', 'f'])
    assert.deepEqual(token, { kind: 'standard input' })
  })

  const bad = [
    [
      ['explain'],
      ['--config FILE is missing, or --admin URL for a gateway that runs', '--url URL is missing'],
    ],
    [
      ['explain', '--config', 'f', '--url', '/', '--header', 'secret-token'],
      ['--header needs a name, a colon and a value: --header "NAME: VALUE"'],
    ],
    [
      ['explain', '--config', 'f', '--url', '/', '--token', 'a', '--token-file', 'b'],
      ['--token and --token-file exclude each other'],
    ],
    [['explain', '--config', 'f', '--request-id', 'x'], ['--request-id needs --admin URL']],
    [
      ['explain', '--admin', 'localhost', '--url', '/'],
      ['--admin needs the URL of an admin listener, such as http://127.0.0.1:9090'],
    ],
    [[], ['a command is missing']],
    [['sreve'], ['unknown command "sreve"']],
    [['constructor'], ['unknown command "constructor"']],
    [['serve'], ['--config FILE is missing']],
    [['serve', '--config'], ['--config needs a value: --config FILE']],
    [['serve', '--config='], ['--config needs a value: --config FILE']],
    [['check', '--config', '--online'], ['--config needs a value: --config FILE']],
    [['serve', '--config', 'a', '--config', 'b'], ['--config is given twice']],
    [['serve', '--config', 'a', 'b'], ['an argument belongs to no option']],
    [
      ['check', '--config', 'a', '--proxy', 'apache'],
      ['--proxy must be one of nginx, haproxy, envoy, traefik, caddy'],
    ],
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
    for (const word of [
      'serve',
      'check',
      'health',
      'explain',
      'demo',
      '--config FILE',
      '--token-file FILE',
    ]) {
      assert.ok(usage().includes(word), word)
    }
  })
})
