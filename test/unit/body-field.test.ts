/** Where a body leaves no doubt about its field, it is read; everywhere else it is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type BodyField, bodyField, FIELD_BODY_BYTES_MAX } from '../../src/rate-limit/body-field.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** The value after `=`, or what is behind `limit_field_`. */
function told(field: BodyField): string {
  return field.kind === 'value' ? `=${field.value}` : field.reason.replace('limit_field_', '')
}

function read(body: string | Uint8Array, type: string | null, field = 'username'): string {
  return told(bodyField(typeof body === 'string' ? Buffer.from(body) : body, true, type, field))
}

const json = (body: string | Uint8Array, field?: string) => read(body, JSON_TYPE, field)
const form = (body: string | Uint8Array, field?: string) => read(body, FORM_TYPE, field)

type Table = Readonly<Record<string, string>>

function check(table: Table, readBody: (body: string) => string): void {
  for (const [body, expected] of Object.entries(table)) {
    assert.equal(readBody(body), expected, body.slice(0, 200))
  }
}

describe('a field of a JSON body', () => {
  it('is a member at the top, wherever it stands and however its name is written', () => {
    check(
      {
        '{"username":"alice","password":"x"}': '=alice',
        ' {\r\n\t"password" : {"a":[1,{"b":null}]} , "username" : "alice" } ': '=alice',
        '{"user\\u006eame":"alice"}': '=alice',
        '{"\\u0075\\u0073\\u0065\\u0072\\u006E\\u0061\\u006D\\u0065":"\\u0061lice"}': '=alice',
        '{"username":"","a":"\\"username\\":\\"bob\\""}': 'absent',
        '{"username":"a\\"}","x":1}': '=a"}',
      },
      json,
    )
  })

  it('is not one of the same name further down', () => {
    check(
      {
        '{"user":{"username":"bob"}}': 'absent',
        '{"user":[{"username":"bob"}],"username":"alice","x":{"username":1}}': '=alice',
        '{"password":"username"}': 'absent',
        '{"username2":"bob","user":"bob","usernam":"b","":"c"}': 'absent',
      },
      json,
    )
  })

  it('that comes again is refused, whichever a service would take', () => {
    const twice = [
      '{"username":"alice","username":"bob"}',
      '{"username":"alice","username":"alice"}',
      '{"username":"alice","user\\u006eame":"bob"}',
      '{"\\u0075sername":"alice","user\\u006eame":"bob"}',
      '{"username":null,"username":"bob"}',
      '{"username":{"username":1},"username":"bob"}',
    ]
    for (const body of twice) assert.equal(json(body), 'repeated', body)
  })

  it('is refused under a name that some service takes for its own', () => {
    const names = ['Username', 'USERNAME', 'userName', 'u\\u017fername']
    const others = ['username\\u0000', 'username\\u0000x', ' username']
    for (const name of [...names, ...others]) {
      assert.equal(json(`{"${name}":"bob"}`), 'repeated', name)
      assert.equal(json(`{"${name}":"bob","username":"alice"}`), 'repeated', name)
      assert.equal(json(`{"username":"alice","${name}":"bob"}`), 'repeated', name)
    }
    for (const name of ['eMail', 'ema\\u0131l', 'ema\\u0130l', 'EMA\\u0130L']) {
      assert.equal(json(`{"email":"a","${name}":"b"}`, 'email'), 'repeated', name)
    }
    assert.equal(json('{"kind":"a","\\u212aind":"b"}', 'kind'), 'repeated')
  })

  it('is its own name to the letter, whatever that name is', () => {
    assert.equal(json('{"Username":"alice"}', 'Username'), '=alice')
    assert.equal(json('{"username":"alice"}', 'Username'), 'repeated')
    assert.equal(json('{"__proto__":"alice"}', '__proto__'), '=alice')
    assert.equal(json('{"toString":"alice"}', 'toString'), '=alice')
    assert.equal(json('{}', 'toString'), 'absent')
    assert.equal(json('{"a.b":"alice","a":{"b":"bob"}}', 'a.b'), '=alice')
    // V8 13.6 reads such names as others (strict-json.ts).
    for (const name of ['"', '\\', '\n']) {
      const written = JSON.stringify(name)
      for (const before of ['\\\\', '\\"', '\\n']) json(`{"x":1,"${before}":2}`)
      assert.equal(json(`{"x":1,${written}:"alice"}`, name), '=alice', written)
      assert.equal(json(`{"x":1,${written}:"alice",${written}:"bob"}`, name), 'repeated', written)
    }
  })

  it('is text or a whole number', () => {
    check(
      {
        '{"username":42}': '=42',
        '{"username":0}': '=0',
        '{"username":-7}': '=-7',
        '{"username":9007199254740991}': '=9007199254740991',
        '{"username": 42 }': '=42',
        '{"username":9007199254740992}': 'unreadable',
        '{"username":12345678901234567890}': 'unreadable',
        '{"username":-0}': 'unreadable',
        '{"username":1.0}': 'unreadable',
        '{"username":1.5}': 'unreadable',
        '{"username":1e3}': 'unreadable',
        '{"username":1E400}': 'unreadable',
        '{"username":null}': 'unreadable',
        '{"username":true}': 'unreadable',
        '{"username":false}': 'unreadable',
        '{"username":{}}': 'unreadable',
        '{"username":["alice"]}': 'unreadable',
        '{"username":{"toString":"alice"}}': 'unreadable',
        '{"username":"a\\u0000b"}': 'unreadable',
      },
      json,
    )
  })

  it('is not read out of what is no JSON object to the letter', () => {
    const bodies = [
      'null',
      '"username"',
      '[{"username":"alice"}]',
      '[]',
      '1',
      ' ',
      '{',
      '{"username":"alice"',
      '{"username":"alice"}}',
      '{"username":"alice"}{"username":"bob"}',
      '{"username":"alice"} // bob',
      '/* bob */ {"username":"alice"}',
      '{"username":"alice",}',
      "{'username':'alice'}",
      '{username:"alice"}',
      '{"username":NaN}',
      '{"username":01}',
      '{"username":"a\nb"}',
      '{"username":"\\x61"}',
      '{"username":"\\ud800"}',
      '{"username":"alice","x":"\\udc00"}',
      '{"username":"alice","\\ud83e":1}',
      '\ufeff{"username":"alice"}',
      '\u00a0{"username":"alice"}',
      ')]}\'{"username":"alice"}',
      'username=alice',
      '{"x":{"a":1,"a":2},"username":"alice"}',
      '{"x":[{"a":1,"\\u0061":2}],"username":"alice"}',
      `{"x":${'['.repeat(16)}${']'.repeat(16)},"username":"alice"}`,
      '['.repeat(60_000),
      '{"a":'.repeat(12_000),
    ]
    for (const body of bodies) assert.equal(json(body), 'unreadable', body.slice(0, 100))
    assert.equal(json(`{"x":${'['.repeat(15)}${']'.repeat(15)},"username":"alice"}`), '=alice')
  })

  it('is not read out of what is not UTF-8', () => {
    const body = '{"username":"zoë"}'
    assert.equal(json(body), '=zoe')
    assert.equal(json(Buffer.from(body, 'latin1')), 'unreadable')
    assert.equal(json(Buffer.from(body, 'utf16le')), 'unreadable')
    assert.equal(json(Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(body)])), 'unreadable')
    const halves = [0xed, 0xa0, 0x80].map((byte) => String.fromCharCode(byte)).join('')
    assert.equal(json(Buffer.from(`{"username":"${halves}"}`, 'latin1')), 'unreadable')
    const overlong = String.fromCharCode(0xc1, 0xa1)
    assert.equal(json(Buffer.from(`{"username":"${overlong}lice"}`, 'latin1')), 'unreadable')
  })

  it('is read where another name comes twice beside it', () => {
    assert.equal(json('{"x":1,"username":"alice","x":2}'), '=alice')
  })
})

describe('a field of a form', () => {
  it('is a pair of this name, wherever it stands and however it is encoded', () => {
    check(
      {
        'username=alice&password=x': '=alice',
        'password=x&username=alice': '=alice',
        '&&username=alice&': '=alice',
        'user%6Eame=%61lice': '=alice',
        '%75%73%65%72%6e%61%6d%65=alice': '=alice',
        'username=al+ice': '=al ice',
        'username=al%2Bice': '=al+ice',
        'username=zo%C3%AB': '=zoe',
        'username=zoe': '=zoe',
        'username=a=b': '=a=b',
        'username=a%26username%3Dbob': '=a&username=bob',
        'username=alice\r\n': '=alice',
        'username=a%3Bb': '=a;b',
        'username=alice&password=x;y': '=alice',
        'username=alice&utf8=%E2%9C%93&_charset_=UTF-8': '=alice',
        'username=%257B': '=%7b',
      },
      form,
    )
  })

  it('that is not there, or empty, is told so', () => {
    for (const body of [
      'password=x',
      'username=',
      'username',
      'username=+%20',
      '&',
      'x=username',
    ]) {
      assert.equal(form(body), 'absent', body)
    }
    for (const body of ['username2=bob', 'my_username=bob', 'user-name=bob', 'x%3Dusername=b']) {
      assert.equal(form(body), 'absent', body)
    }
  })

  it('that comes again is refused, whichever a service would take', () => {
    const twice = [
      'username=alice&username=bob',
      'username=alice&username=alice',
      'username=&username=bob',
      'username&username=bob',
      'username=alice&user%6eame=bob',
      'username=alice&x=1&%75sername=bob',
    ]
    for (const body of twice) assert.equal(form(body), 'repeated', body)
  })

  it('is refused under a name that some service takes for its own', () => {
    const names = [
      ...['Username', 'USERNAME', 'u%C5%BFername', 'username%00', 'username%00x', '+username'],
      ...['username[]', 'username[0]', 'username%5B%5D', 'username%5b0', 'username[a][b]'],
      ...['[username]', '%5Busername]', '[username]]', '[]username', 'username.x', 'Username.0'],
      ...['model.Username', 'login[username]', 'a[b][username]', 'username]', '%20username'],
    ]
    for (const name of names) {
      // JSON may begin like the one.
      assert.match(form(`${name}=bob`), name.startsWith('[') ? /^unreadable/ : /^repeated/, name)
      assert.equal(form(`x&${name}=bob`), 'repeated', name)
      assert.equal(form(`x&${name}=bob&username=alice`), 'repeated', name)
      assert.equal(form(`username=alice&${name}=bob`), 'repeated', name)
    }
    for (const name of ['user.name', 'user+name', 'user[name', 'USER_NAME', '++user_name']) {
      assert.equal(form(`user_name=alice&${name}=bob`, 'user_name'), 'repeated', name)
    }
  })

  it('may have a name with brackets or dots of its own', () => {
    assert.equal(form('session[email]=a&session[password]=b', 'session[email]'), '=a')
    assert.equal(form('session%5Bemail%5D=a', 'session[email]'), '=a')
    assert.equal(form('login.email=a', 'login.email'), '=a')
    const others = ['session.email', 'Session[Email]', 'session[email][]', '[session]email']
    for (const name of others) {
      assert.equal(form(`session[email]=a&${name}=b`, 'session[email]'), 'repeated', name)
    }
    assert.equal(form('session[email2]=a&email=b', 'session[email]'), 'absent')
  })

  it('is refused where a semicolon may end or begin it', () => {
    check(
      {
        'username=alice;x=1': 'unreadable',
        'username;x=1': 'unreadable',
        'x=1;username=bob': 'unreadable',
        'x;username=bob': 'unreadable',
        'x=1;username=bob&username=alice': 'repeated',
        'username=alice&x=1;username=bob': 'repeated',
        'username=alice;username=bob': 'repeated',
      },
      form,
    )
  })

  it('is not read out of what is no form to the letter', () => {
    const bodies = [
      'username=alice&x=%',
      'username=alice&x=%4',
      'username=alice&x=%zz',
      'username=alice&%u0075sername=bob',
      'username=alice&x=%C3',
      'username=alice&%C3=x',
      'username=%C3&x=%A9',
      'username=%ED%A0%80',
      'username=%C0%AF',
      'username=al%00ice',
      // Read by those who go by the body.
      '{"username":"bob","x":"&username=alice&"}',
      '\r\n [{"username":"bob","x":"&username=alice&"}]',
      '\ufeff{"username":"bob","x":"&username=alice&"}',
      '/**/{"username":"bob","x":"&username=alice&"}',
      '<login a="&username=alice&amp;"><username>bob</username></login>',
      // Read in another charset.
      'username=zo%C3%AB&_charset_=iso-8859-1',
      'utf8=%26%2310003%3B&username=%26%2397%3Blice',
    ]
    for (const body of bodies) assert.equal(form(body), 'unreadable', body)
    assert.equal(form(Buffer.from('username=zoë', 'latin1')), 'unreadable')
    assert.equal(form(Buffer.from('username=alice&x=zoë', 'latin1')), 'unreadable')
  })

  it('is among at most a thousand pairs', () => {
    const others = (count: number) => 'x&'.repeat(count)
    assert.equal(form(`${others(999)}username=alice`), '=alice')
    assert.equal(form(`${others(1_000)}username=alice`), 'unreadable')
    assert.equal(form(`${';'.repeat(1_000)}username=alice`), 'unreadable')
  })
})

describe('the body of a field', () => {
  const OF_TYPE: Readonly<Record<string, string>> = {
    json: '{"username":"alice"}',
    form: 'username=alice',
  }

  it('has one of two media types, in UTF-8 or US-ASCII (RFC 9110 §8.3)', () => {
    const parameters = [
      ...['', ';', '; charset=utf-8', ';charset=UTF-8', ' ; Charset="Utf-8"', '; charset=utf8'],
      ...['; charset=us-ascii', '; charset="US-ASCII" ;', '; x=1; charset=utf-8; y="a b"'],
    ]
    for (const parameter of parameters) {
      assert.equal(read(OF_TYPE['json'] ?? '', `Application/JSON${parameter}`), '=alice', parameter)
      assert.equal(read(OF_TYPE['form'] ?? '', `${FORM_TYPE}${parameter}`), '=alice', parameter)
    }
  })

  it('is refused in any other type or charset, and in one that is told twice', () => {
    const types = [
      ...['', 'text/plain', 'multipart/form-data; boundary=x', 'application/vnd.api+json'],
      ...['application/json, application/json', 'json', 'application/jsonx', 'text/json'],
      ...[FORM_TYPE, JSON_TYPE].flatMap((type) => [
        ...[
          `${type}; charset=iso-8859-1`,
          `${type}; CharSet=latin1`,
          `${type}; charset=utf-16`,
          `${type}; charset=`,
        ],
        ...[`${type}; charset`, `${type}; charset=utf-8; charset=utf-8`, `${type}; charset="utf-8`],
        ...[`${type}; charset="utf-8;"`, `${type}; charset="utf\\-8"`, `${type}; charset = utf-8`],
        ...[`${type}; charset*=utf-7''x`, `${type}; x="a;b"`, `${type},text/plain`, `${type} x`],
      ]),
    ]
    for (const type of [...types, null]) {
      for (const body of Object.values(OF_TYPE))
        assert.equal(read(body, type), 'unreadable', type ?? '')
    }
  })

  it('in US-ASCII holds nothing else', () => {
    assert.equal(read('{"username":"zoë"}', `${JSON_TYPE};charset=us-ascii`), 'unreadable')
    assert.equal(read('{"username":"zo\\u00eb"}', `${JSON_TYPE};charset=us-ascii`), '=zoe')
    assert.equal(read('username=zoë', `${FORM_TYPE};charset=us-ascii`), 'unreadable')
    assert.equal(read('username=zo%C3%AB', `${FORM_TYPE};charset=us-ascii`), 'unreadable')
  })

  it('that is empty has no field, of whatever type it is', () => {
    for (const type of [null, JSON_TYPE, FORM_TYPE, 'text/plain'])
      assert.equal(read('', type), 'absent')
  })

  it('passes with 64 KiB, and is refused with a byte more, even when the field comes first', () => {
    const filled = (length: number): string => {
      const start = '{"username":"alice","password":"'
      return `${start}${'x'.repeat(length - start.length - 2)}"}`
    }
    assert.equal(FIELD_BODY_BYTES_MAX, 65_536)
    assert.equal(json(filled(65_536)), '=alice')
    assert.equal(json(filled(65_537)), 'too_far')
    const beginning = Buffer.from(filled(70_000)).subarray(0, 65_536)
    assert.equal(told(bodyField(beginning, false, JSON_TYPE, 'username')), 'too_far')
    assert.equal(
      told(bodyField(Buffer.from('username=a'), false, FORM_TYPE, 'username')),
      'too_far',
    )
    assert.equal(told(bodyField(Buffer.alloc(0), false, JSON_TYPE, 'username')), 'too_far')
    assert.equal(told(bodyField(beginning, false, 'text/plain', 'username')), 'unreadable')
  })

  it('may be a part of other memory', () => {
    const memory = Buffer.from('xx{"username":"alice"}xx')
    assert.equal(json(memory.subarray(2, -2)), '=alice')
    assert.equal(form(Buffer.from('x&username=alice&y').subarray(2, -2)), '=alice')
  })
})
