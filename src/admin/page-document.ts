/** The document of the live page. Everything that changes is filled in by its script. */

const KEY_FIGURES = [
  ['rate', 'Requests a second'],
  ['refused', 'Refused'],
  ['failed', '5xx and no answer'],
  ['p99', 'p99, whole request'],
  ['hits', 'Token cache hits'],
  ['connections', 'Connections'],
  ['busiest', 'Busiest thread'],
] as const

function keyFigure([name, label]: (typeof KEY_FIGURES)[number]): string {
  return `<div><dt>${label}</dt><dd><span id="figure-${name}">–</span></dd></div>`
}

function chart(id: string, title: string, extra = ''): string {
  return `<figure class="panel" id="${id}">
<figcaption><h2>${title}</h2>${extra}<div class="legend"></div></figcaption>
<svg aria-hidden="true" preserveAspectRatio="none"></svg>
</figure>`
}

function choices(name: string, label: string, all: readonly (readonly [string, string])[]): string {
  const inputs = all.map(
    ([value, text], place) =>
      `<label><input type="radio" name="${name}" value="${value}"${place === 0 ? ' checked' : ''}>` +
      `<span>${text}</span></label>`,
  )
  return `<fieldset class="choices"><legend class="unseen">${label}</legend>${inputs.join('')}</fieldset>`
}

function table(bodyId: string, caption: string, heads: readonly string[], className = ''): string {
  const cells = heads.map((head) => `<th scope="col">${head}</th>`).join('')
  return `<table class="${className}"><caption class="unseen">${caption}</caption>
<thead><tr>${cells}</tr></thead><tbody id="${bodyId}"></tbody></table>`
}

const PHASES = choices('phase', 'Latency of', [
  ['0', 'whole request'],
  ['1', 'verification'],
  ['2', 'upstream'],
])

const SPANS = choices('span', 'Time shown', [
  ['15', '15 min'],
  ['3', '3 min'],
])

const EXPLAIN = `<section class="panel" aria-labelledby="explain-title">
<h2 id="explain-title">Explain a request</h2>
<p class="quiet">What the instance would decide about it, and why. Nothing is sent to an upstream.</p>
<form id="explain-form">
<div class="fields">
<label class="short">Method <select id="explain-method">
<option>GET</option><option>POST</option><option>PUT</option><option>PATCH</option>
<option>DELETE</option><option>HEAD</option><option>OPTIONS</option></select></label>
<label class="long">Path and query <input id="explain-url" required placeholder="/api/orders?page=2"
 autocomplete="off" spellcheck="false"></label>
<label>Host <input id="explain-host" autocomplete="off" spellcheck="false"></label>
<label>Bearer token <input id="explain-token" type="password" autocomplete="off"></label>
<label>Cookie <input id="explain-cookie" type="password" autocomplete="off"></label>
<label>Client address <input id="explain-address" autocomplete="off" spellcheck="false"></label>
<label class="long">Other fields, one a line <textarea id="explain-headers" rows="2"
 placeholder="X-API-Key: …" spellcheck="false"></textarea></label>
</div>
<label class="check"><input type="checkbox" id="explain-values"> Show the values of claims</label>
<button id="explain-button">Explain</button>
</form>
<div id="explanation" hidden role="status">
<p><strong id="explain-verdict"></strong> <span id="explain-places" class="quiet"></span></p>
<p id="explain-advice"></p>
<ol id="explain-steps"></ol>
</div>
</section>`

export const PAGE_DOCUMENT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Sallyport</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" type="image/svg+xml" href="/page/icon.svg">
<link rel="stylesheet" href="/page/page.css">
<script type="module" src="/page/page.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the figures</a>
<header>
<h1>Sallyport</h1>
<span id="status" class="pill">Connecting</span>
<span class="about"><span id="version"></span><span id="uptime"></span><span id="revision"></span></span>
<span class="stream"><span id="live"></span></span>
</header>
<noscript><p class="notice">This page needs JavaScript. The same figures are at /metrics and
/status.</p></noscript>
<div id="lost" class="notice bad" role="status" hidden>
<strong id="lost-since"></strong> <span id="lost-why"></span></div>
<section id="token-part" class="panel" hidden aria-labelledby="token-title">
<h2 id="token-title">This listener needs its token</h2>
<p class="quiet">It is <code>admin.token</code> of the configuration. The page keeps it in memory until
it is closed or loaded again.</p>
<form id="token-form">
<label>Token <input id="token" type="password" required autocomplete="current-password"></label>
<button>Show the instance</button>
<p id="token-wrong" class="bad" role="alert" hidden>That is not the token of this listener.</p>
</form>
</section>
<main id="main" tabindex="-1" hidden>
<ul id="attention" role="status" aria-label="Needs attention" hidden></ul>
<dl class="figures">${KEY_FIGURES.map(keyFigure).join('')}</dl>
<div class="charts">
${chart('chart-requests', 'Requests a second', SPANS)}
${chart('chart-latency', 'Latency', PHASES)}
${chart('chart-refusals', 'Refused and failed, a second')}
${chart('chart-cache', 'Cache hits and load')}
</div>
<div class="panels">
<section class="panel"><h2>Issuers</h2>
${table('issuers', 'Keys of issuers', ['Issuer', 'Keys', 'In use', 'Age', 'Next fetch'], 'right-3')}
<div id="introspection-part" hidden><h3>Introspection</h3>
${table('introspection', 'Introspection endpoints', ['Issuer', 'State'])}</div></section>
<section class="panel"><h2>Upstreams</h2>
${table('upstreams', 'Upstreams', ['Upstream', 'Targets', 'In work', 'Waiting', 'Open'], 'right-3')}
<h3>Threads</h3>
${table('threads', 'Load of listener threads', ['Thread', 'Busy'], 'right-2')}</section>
<section class="panel"><h2>Shared state</h2>
${table('stores', 'Shared state', ['What', 'Now'], 'pairs')}</section>
</div>
<section class="panel" aria-labelledby="refusals-title"><h2 id="refusals-title">Refusals by reason</h2>
${table('refusals', 'Refusals by reason', ['Reason', 'Last minute', '15 minutes'], 'right-2')}
</section>
<section class="panel" aria-labelledby="refused-title">
<div class="title"><h2 id="refused-title">Refused requests</h2>
<label class="filter"><span class="unseen">Find by X-Request-Id</span>
<input id="refused-id" type="search" placeholder="X-Request-Id" autocomplete="off"
 spellcheck="false"></label>
<span id="refused-count" class="quiet"></span></div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="refused-title">
${table('refused', 'Refused requests', ['When', 'Request', 'Why', 'Answer'], 'wide')}
</div>
</section>
<section class="panel" aria-labelledby="routes-title">
<div class="title"><h2 id="routes-title">Routes</h2>
<label class="filter"><span class="unseen">Filter by name</span>
<input id="route-filter" type="search" placeholder="Filter by name" autocomplete="off"
 spellcheck="false"></label>
<span id="route-count" class="quiet"></span></div>
<div class="scroll" tabindex="0" role="region" aria-labelledby="routes-title">
${table('routes', 'Routes', ['Route', 'A second', 'Refused', '4xx', 'Failed', 'Since start'], 'right-2 even')}
</div>
</section>
<section class="panel" aria-labelledby="events-title">
<div class="title"><h2 id="events-title">Recent events</h2>
<label class="check"><input type="checkbox" id="warnings-only"> Warnings and errors only</label></div>
<p id="no-events" class="quiet">The log has nothing but requests so far.</p>
<div class="scroll" tabindex="0" role="region" aria-labelledby="events-title">
<ol id="events"></ol></div>
</section>
${EXPLAIN}
</main>
</body>
</html>
`

/** A gate: two posts, and a way between them. */
export const PAGE_ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<rect width="16" height="16" rx="3.5" fill="#2f5f9e"/>
<path d="M4 13V7a4 4 0 0 1 8 0v6" fill="none" stroke="#fff" stroke-width="2"/>
<path d="M8 13V9" stroke="#fff" stroke-width="2"/></svg>
`
