/** The live page in a browser. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { findBrowser, HeadlessBrowser } from '../support/headless-browser.ts'
import { LiveRig } from '../support/live-rig.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const TOKEN = 'a-token-of-the-live-page'
const ROUTES = 3_000
/** What would run as a script if it were ever taken for markup. */
const HOSTILE = '<img src=x onerror=document.title=1>'
const WIDE = { width: 1440, height: 900, scheme: 'light' } as const
const PHONE = { width: 390, height: 844, scheme: 'dark' } as const

const program = findBrowser()
const skip =
  program === null
    ? 'THE LIVE PAGE IS NOT TESTED: install chromium to have it tested in a browser'
    : false
if (skip !== false) process.stderr.write(`${skip}\n`)

let browser: HeadlessBrowser

const text = (id: string) => `document.getElementById('${id}').textContent`
const rows = (id: string) => `document.getElementById('${id}').children.length`

/** While the page is loading, there is nothing to look at yet. */
async function shows(what: string, expression: string): Promise<void> {
  const tried = `(() => { try { return Boolean(${expression}) } catch { return false } })()`
  await eventually(what, () => browser.evaluate<boolean>(tried))
}

describe('the live page', { skip }, () => {
  before(async () => {
    browser = await HeadlessBrowser.open(program ?? '')
    await browser.show(WIDE)
  })

  after(() => browser.close())

  describe('of a gateway', () => {
    let gateway: TestGateway

    before(async () => {
      gateway = await openGateway({
        admin: { host: '127.0.0.1', port: 0, token: TOKEN },
        routes: { '/users/*': {}, '/orders/*': {} },
        authenticate: 'none',
      })
    })

    after(() => gateway.stop())

    it('asks for the token, refuses a wrong one, and then shows the instance', async () => {
      await browser.open(gateway.adminOrigin)
      await shows('the question for the token', `document.activeElement.id === 'token'`)
      assert.equal(await browser.evaluate(`document.getElementById('main').hidden`), true)
      await browser.type('not-the-token-of-this')
      await browser.press('Enter', '\r')
      await shows('that it is wrong', `!document.getElementById('token-wrong').hidden`)
      await browser.type(TOKEN)
      await browser.press('Enter', '\r')
      await shows('the instance', `!document.getElementById('main').hidden`)
      await shows('that it is ready', `${text('status')} === 'Ready'`)
      const kept = await browser.evaluate<string>(
        'JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])',
      )
      assert.equal(kept, '[{},{},""]')
    })

    it('counts requests within seconds, and draws them', async () => {
      for (let count = 0; count < 5; count += 1) await gateway.ask('/users/x')
      await gateway.ask('/nowhere')
      await shows('the route', `/atusers\\d/.test(${text('routes')})`)
      await shows('the refusal', `${text('refusals')}.includes('route_not_found')`)
      await shows('an area', `document.querySelector('#chart-requests path.area.good')`)
      await shows('a line', `document.querySelector('#chart-latency path.line')`)
    })

    it('says nothing of attention while nothing needs any', async () => {
      assert.equal(await browser.evaluate(`document.getElementById('attention').hidden`), true)
    })

    it('says that the file of the configuration was refused, and why', async () => {
      await gateway.write('routes: []\n')
      const headers = { authorization: `Bearer ${TOKEN}` }
      const { status } = await gateway.admin('/reload', { method: 'POST', headers })
      assert.equal(status, 422)
      await shows('it', `/refused, and number 1 serves on: \\S+/.test(${text('attention')})`)
    })

    it('says at the top what needs attention, while the instance stays ready', async () => {
      await gateway.upstream.close()
      // Each of two threads finds out by itself.
      for (let count = 0; count < 20; count += 1) await gateway.ask('/users/x')
      await shows('it', `${text('attention')}.includes('Upstream only is down')`)
      await shows('the targets', `/0 of 1/.test(${text('upstreams')})`)
      await shows('failures', `document.getElementById('figure-failed').className === 'bad'`)
      assert.equal(await browser.evaluate(text('status')), 'Ready')
    })

    it('lists what was refused, by the id of the answer', async () => {
      const id = (await gateway.ask('/nowhere/else')).field('x-request-id') ?? ''
      await shows('it', `${text('refused')}.includes('GET /nowhere/else')`)
      await browser.evaluate(`document.getElementById('refused-id').focus()`)
      await browser.type(id)
      await shows('that one alone', `${rows('refused')} === 1`)
      const told = await browser.evaluate<string>(text('refused'))
      assert.ok(told.includes(id) && told.includes('404 route_not_found'), told)
    })

    it('explains a request that is described to it', async () => {
      const explain = (url: string) =>
        browser.evaluate(`document.getElementById('explain-url').value = ${JSON.stringify(url)},
          document.getElementById('explain-button').click()`)
      await explain('/nowhere')
      const refused = 'Would be refused: 404 route_not_found'
      await shows('the refusal', `${text('explain-verdict')} === ${JSON.stringify(refused)}`)
      await shows('advice', `${text('explain-advice')}.length > 40`)
      await explain('/users/x')
      await shows('that it passes', `${text('explain-verdict')} === 'Would pass'`)
      const places = await browser.evaluate<string>(text('explain-places'))
      assert.equal(places, 'route atusers · upstream only')
      await shows('a step', `/^✓route/.test(${text('explain-steps')})`)
    })

    it('says that the stream is lost, and since when', async () => {
      await gateway.kill()
      await shows('the loss', `!document.getElementById('lost').hidden`)
      const told = await browser.evaluate<string>(text('lost'))
      assert.match(told, /No connection since \d\d:\d\d:\d\d\. .*Trying again: the instance/)
      assert.equal(await browser.evaluate(text('live')), 'Not live')
    })
  })

  describe('of thousands of routes', () => {
    const rig = new LiveRig([
      ...Array.from({ length: ROUTES }, (_, number) => `route-${number}`),
      HOSTILE,
    ])

    before(async () => {
      await rig.start()
      await browser.open(rig.origin)
      await shows('the routes', `${rows('routes')} === 50`)
    })

    after(() => rig.stop())

    it('finds one by a part of its name', async () => {
      await browser.evaluate(`document.getElementById('route-filter').focus()`)
      await browser.type('UTE-2999')
      await shows('that one alone', `${rows('routes')} === 1`)
      assert.match(await browser.evaluate(text('routes')), /^route-2999/)
      assert.match(await browser.evaluate(text('route-count')), /^1 of 3\D?001 routes$/)
      const emptied = `document.getElementById('route-filter').value = '',
        document.getElementById('route-filter').dispatchEvent(new Event('input'))`
      await browser.evaluate(emptied)
      await shows('the busiest again', `${rows('routes')} === 50`)
    })

    it('takes what is markup for text, and could not do otherwise', async () => {
      rig.metrics.countForwarded(rig.metrics.routeIndex(HOSTILE), 200)
      const time = '2026-01-01T00:00:00.000Z'
      rig.log({ level: 'warn', time, stream: 'security', event: HOSTILE, [HOSTILE]: HOSTILE })
      await shows('it in the table', `${text('routes')}.startsWith(${JSON.stringify(HOSTILE)})`)
      await shows('it among the events', `${text('events')}.includes(${JSON.stringify(HOSTILE)})`)
      assert.equal(await browser.evaluate(`document.querySelectorAll('#main img').length`), 0)
      assert.equal(await browser.evaluate('document.title'), 'Sallyport')
      const written = `(() => {
        try { document.body.innerHTML = '<b>x</b>' } catch { return 'refused' }
      })()`
      assert.equal(await browser.evaluate(written), 'refused')
    })

    for (const screen of [WIDE, PHONE]) {
      it(`fits a screen of ${screen.width} pixels, ${screen.scheme}`, async () => {
        await browser.show(screen)
        await shows('nothing beyond its edge', 'document.documentElement.scrollWidth <= innerWidth')
        const small = await browser.evaluate<string[]>(
          `[...document.querySelectorAll('main *')].filter((it) => it.children.length === 0 &&
            it.textContent.trim() !== '' && parseFloat(getComputedStyle(it).fontSize) < 11)
            .map((it) => it.outerHTML)`,
        )
        assert.deepEqual(small, [])
        const back = await browser.evaluate(`getComputedStyle(document.body).backgroundColor`)
        assert.equal(back, screen.scheme === 'dark' ? 'rgb(15, 18, 22)' : 'rgb(244, 245, 247)')
      })
    }

    it('can be used with the keyboard alone, in the order of the page', async () => {
      const focused = async () => {
        await browser.press('Tab')
        const { id, name, className } = await browser.evaluate<Record<string, string>>(
          '(({ id, name, className }) => ({ id, name, className }))(document.activeElement)',
        )
        return id || name || className || ''
      }
      await eventually('back at the beginning', async () => (await focused()) === 'skip')
      const visited = ['skip']
      while (visited.at(-1) !== 'warnings-only' && visited.length < 20)
        visited.push(await focused())
      // Between them are tables that can be scrolled.
      const controls = visited.filter((name) => name !== 'scroll')
      assert.deepEqual(controls, [
        'skip',
        'span',
        'phase',
        'refused-id',
        'route-filter',
        'warnings-only',
      ])
      const outline = `getComputedStyle(document.activeElement).outlineStyle`
      assert.equal(await browser.evaluate(outline), 'solid')
    })
  })

  it('has broken no rule of its policy, and thrown nothing', () => {
    const unasked = browser.problems.filter((problem) => !problem.includes('TrustedHTML'))
    assert.deepEqual(unasked, [])
  })
})
