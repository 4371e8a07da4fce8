/** The style sheet of the live page. Colour says how well something is, and nothing else. */

export const PAGE_STYLE = `:root {
  color-scheme: light dark;
  --back: #f4f5f7; --panel: #ffffff; --edge: #e1e4e8; --grid: #ebedf0;
  --text: #1b1f24; --quiet: #667080; --accent: #2f5f9e;
  --ok: #1a7f45; --warn: #9a5b00; --bad: #c4232b;
  --good-area: #a9bdd6; --client-area: #d9c58f; --refused-area: #e0982f; --failed-area: #d2353c;
  --gone-area: #c3c8cf;
  --p0: #2f5f9e; --p1: #7b95b8; --p2: #b4bfce;
  --ok-back: #e3f4ea; --bad-back: #fdebec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #0f1216; --panel: #171b21; --edge: #262c35; --grid: #222831;
    --text: #e4e7eb; --quiet: #8d98a7; --accent: #86b1e8;
    --ok: #57c785; --warn: #e5ab4c; --bad: #ff7a7f;
    --good-area: #3c5878; --client-area: #7d6f3f; --refused-area: #cf8a2b; --failed-area: #e0484f;
    --gone-area: #4a525d;
    --p0: #86b1e8; --p1: #5b7da8; --p2: #46566b;
    --ok-back: #14301f; --bad-back: #3a1719;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 20px 32px; max-width: 1480px;
  background: var(--back); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
h1, h2, h3, p, dl, dd, dt, ol, figure, fieldset { margin: 0; padding: 0; }
h1 { font-size: 18px; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 14px; font-weight: 600; }
h3 { font-size: 13px; font-weight: 600; margin-top: 16px; color: var(--quiet); }
code { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
main:focus { outline: none; }
.ok { color: var(--ok); }
.warn { color: var(--warn); }
.bad { color: var(--bad); }
.quiet { color: var(--quiet); }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 20px; top: 8px; padding: 6px 10px; background: var(--panel); z-index: 1; }

header {
  display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; padding: 16px 0 14px;
}
.pill {
  padding: 2px 10px; border-radius: 999px; font-weight: 600; font-size: 13px;
  background: var(--edge);
}
.pill.ok { background: var(--ok-back); }
.pill.bad { background: var(--bad-back); }
.about { display: flex; flex-wrap: wrap; gap: 2px 14px; color: var(--quiet); font-size: 13px; }
.stream { margin-left: auto; font-size: 13px; font-weight: 600; }
.stream span::before { content: "●"; margin-right: 6px; font-size: 10px; vertical-align: 1px; }
.stream span:empty { display: none; }
.notice {
  padding: 10px 14px; margin-bottom: 14px; border-radius: 8px;
  background: var(--panel); border: 1px solid var(--edge);
}
.notice.bad { background: var(--bad-back); border-color: var(--bad); }
.notice.bad span { color: var(--text); }

main.stale > * { opacity: 0.55; }
main, .panels, .charts { display: grid; gap: 14px; }
main > *, .panels > *, .charts > * { min-width: 0; }
.panel {
  background: var(--panel); border: 1px solid var(--edge); border-radius: 8px; padding: 12px 16px 14px;
}
#attention {
  display: flex; flex-wrap: wrap; gap: 8px; margin: 0; padding: 0; list-style: none; font-size: 13px;
}
#attention li {
  padding: 5px 12px; font-weight: 600; background: var(--panel);
  border: 1px solid currentcolor; border-radius: 8px;
}
#attention .bad { background: var(--bad-back); }
.figures {
  display: grid; grid-template-columns: repeat(7, 1fr); background: var(--panel);
  border: 1px solid var(--edge); border-radius: 8px;
}
.figures > div { padding: 12px 16px; border-left: 1px solid var(--edge); }
.figures > div:first-child { border-left: 0; }
.figures dt { color: var(--quiet); font-size: 12px; white-space: nowrap; }
.figures dd { font-size: 24px; font-weight: 600; letter-spacing: -0.02em; line-height: 1.3; }
.charts { grid-template-columns: 1fr 1fr; }
.panels { grid-template-columns: 1fr 1fr 1fr; }

figcaption { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 12px; }
figcaption .choices { margin-left: auto; }
.legend {
  flex-basis: 100%; display: flex; flex-wrap: wrap; gap: 0 14px; min-height: 20px;
  font-size: 12px; color: var(--quiet);
}
.legend b { display: inline-block; min-width: 44px; color: var(--text); font-weight: 600; }
.legend .at { margin-left: auto; }
.legend .mark {
  display: inline-block; width: 9px; height: 9px; margin-right: 6px; border-radius: 2px;
}
.choices { display: flex; border: 0; font-size: 12px; }
.choices label { position: relative; cursor: pointer; }
.choices input { position: absolute; opacity: 0; inset: 0; margin: 0; cursor: pointer; }
.choices span { display: block; padding: 2px 8px; border-radius: 5px; color: var(--quiet); }
.choices input:checked + span { background: var(--grid); color: var(--text); font-weight: 600; }
.choices input:focus-visible + span { outline: 2px solid var(--accent); outline-offset: 1px; }
svg { display: block; width: 100%; height: 150px; margin-top: 4px; touch-action: pan-y; }
.grid { stroke: var(--grid); shape-rendering: crispEdges; }
.pointer { stroke: var(--quiet); shape-rendering: crispEdges; }
.label { fill: var(--quiet); font-size: 11px; }
.side { text-anchor: end; dominant-baseline: middle; }
.foot { text-anchor: middle; }
.line { fill: none; stroke-width: 1.5; stroke-linejoin: round; stroke-linecap: round; }
.mark.good { background: var(--good-area); }
.mark.client { background: var(--client-area); }
.mark.refused { background: var(--refused-area); }
.mark.failed { background: var(--failed-area); }
.mark.gone { background: var(--gone-area); }
.mark.p0 { background: var(--p0); }
.mark.p1 { background: var(--p1); }
.mark.p2 { background: var(--p2); }
.area.good { fill: var(--good-area); }
.area.client { fill: var(--client-area); }
.area.refused { fill: var(--refused-area); }
.area.failed { fill: var(--failed-area); }
.area.gone { fill: var(--gone-area); }
.line.client { stroke: var(--client-area); }
.line.refused { stroke: var(--refused-area); }
.line.failed { stroke: var(--failed-area); }
.line.p0 { stroke: var(--p0); }
.line.p1 { stroke: var(--p1); }
.line.p2 { stroke: var(--p2); }

table { width: 100%; border-collapse: collapse; margin-top: 8px; font-size: 13px; }
th { text-align: left; font-weight: 400; }
thead th { color: var(--quiet); font-size: 12px; padding: 2px 8px 4px 0; white-space: nowrap; }
tbody th, td { padding: 5px 8px 5px 0; border-top: 1px solid var(--grid); vertical-align: top; }
tbody th { overflow-wrap: anywhere; min-width: 72px; }
small { display: block; color: var(--quiet); font-size: 12px; }
.right-2 :is(th, td):nth-child(n + 2), .right-3 :is(th, td):nth-child(n + 3), .pairs td,
.pairs th:nth-child(2) { text-align: right; white-space: nowrap; }
:is(th, td):last-child { padding-right: 0; }
.even { table-layout: fixed; min-width: 520px; }
.even th:first-child { width: 40%; }
.wide { min-width: 760px; }
.wide :is(th, td) { overflow-wrap: anywhere; }
.pairs small { display: inline; margin-left: 6px; }
.title { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 14px; }
.scroll { max-height: 420px; overflow: auto; margin-top: 6px; }
.scroll table { margin-top: 0; }
.scroll thead th { position: sticky; top: 0; background: var(--panel); }

#events { list-style: none; font-size: 13px; }
#events li {
  display: flex; flex-wrap: wrap; gap: 0 10px; padding: 4px 0; border-top: 1px solid var(--grid);
}
#events time { color: var(--quiet); }
#events .level { width: 40px; }
#events strong { font-weight: 600; }
#events .details { color: var(--quiet); overflow-wrap: anywhere; }
#events.warnings-only li.plain { display: none; }

form { margin-top: 10px; }
.fields { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px 14px; }
.fields .long { grid-column: span 3; }
.fields .long:last-child { grid-column: 1 / -1; }
label { font-size: 12px; color: var(--quiet); }
input, select, textarea, button { font: inherit; font-size: 14px; color: var(--text); }
input:not([type="checkbox"], [type="radio"]), select, textarea {
  display: block; width: 100%; margin-top: 2px; padding: 6px 9px;
  background: var(--back); border: 1px solid var(--edge); border-radius: 6px;
}
textarea { resize: vertical; font: 13px ui-monospace, Menlo, Consolas, monospace; }
.filter input { width: 240px; margin: 0; }
.check { display: inline-flex; align-items: center; gap: 6px; }
.title .check { margin-left: auto; }
button {
  display: block; margin-top: 12px; padding: 7px 16px; font-weight: 600; cursor: pointer;
  color: var(--panel); background: var(--accent); border: 0; border-radius: 6px;
}
button:disabled { opacity: 0.5; cursor: default; }
#token-part { max-width: 460px; margin: 40px auto; }
#explanation { margin-top: 14px; padding-top: 12px; border-top: 1px solid var(--edge); }
#explain-steps { list-style: none; margin-top: 8px; }
#explain-steps li { display: flex; gap: 10px; padding: 3px 0; }
#explain-steps strong { flex: 0 0 110px; font-weight: 600; }
#explain-steps .mark { flex: 0 0 12px; text-align: center; }
#explain-steps .mark.ok { color: var(--ok); }
#explain-steps .mark.no { color: var(--bad); }

@media (max-width: 1100px) {
  .panels { grid-template-columns: 1fr 1fr; }
  .figures { grid-template-columns: repeat(4, 1fr); }
  .figures > div { border-top: 1px solid var(--grid); }
}
@media (max-width: 760px) {
  body { padding: 0 12px 24px; }
  .charts, .panels { grid-template-columns: minmax(0, 1fr); }
  .figures { grid-template-columns: 1fr 1fr; }
  .figures > div { padding: 9px 14px; border-left: 0; }
  .figures > div:nth-child(even) { border-left: 1px solid var(--grid); }
  .figures > div:last-child { grid-column: 1 / -1; }
  .figures dd { font-size: 20px; }
  #attention li { flex-basis: 100%; }
  .panel { padding: 10px 12px 12px; }
  .fields { grid-template-columns: 1fr; }
  .fields .long { grid-column: auto; }
  .filter, .filter input { width: 100%; }
  .about { order: 3; flex-basis: 100%; }
}
@media (prefers-reduced-motion: no-preference) {
  main.stale > * { transition: opacity 0.3s; }
}
`
