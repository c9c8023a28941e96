// The inspector page's style sheet, light and dark.
export const PAGE_STYLE = `
:root { --bg: #f2f4f7; --panel: #ffffff; --ink: #1c2330; --soft: #5b6577; --rule: #dde2ea; --hover: #eef1f6;
  --accent: #0b7a4b; --accent-bg: #e2f6ec; --bad: #b42318; --bad-bg: #fdeceb; --warn: #8a5a00; --last: #b45309; --code: #f6f8fa;
  --string: #0b6b43; --number: #8f4a00; --word: #5b3fc4; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --panel: #12171f; --ink: #e8ecf3; --soft: #a2adbf;
  --rule: #2a3342; --hover: #1b222d; --accent: #4cd699; --accent-bg: #123c2b; --bad: #ff8b80; --bad-bg: #3d1b19;
  --warn: #f5c26b; --last: #f5a524; --code: #171d27; --string: #7fd8ab; --number: #f0b072; --word: #b4a0ff; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html, body { height: 100%; }
body { margin: 0; display: flex; flex-direction: column; background: var(--bg); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1, h2, h3, p, ul, ol, pre { margin: 0; padding: 0; }
button, input, select { font: inherit; color: inherit; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.soft { color: var(--soft); }
.pad { padding: 4px 2px; }
.bar { display: flex; align-items: center; gap: 20px; padding: 10px 18px; background: var(--panel); border-bottom: 1px solid var(--rule); }
.bar h1 { display: flex; align-items: center; gap: 8px; font-size: 16px; font-weight: 650; }
.bar h1 span { color: var(--soft); font-weight: 400; }
.mark { width: 20px; height: 20px; fill: none; stroke: var(--accent); stroke-width: 2.4; stroke-linecap: round; }
.totals { color: var(--soft); font-variant-numeric: tabular-nums; }
.link { margin-left: auto; display: flex; align-items: center; gap: 7px; color: var(--soft); }
.link::before { content: ''; width: 8px; height: 8px; border-radius: 50%; background: var(--warn); }
.link.live::before { background: var(--accent); }
.link.lost { color: var(--bad); }
.link.lost::before { background: var(--bad); }
.frame { flex: 1; min-height: 0; display: grid; grid-template-columns: 300px minmax(0, 1fr); }
.side { display: flex; flex-direction: column; min-height: 0; background: var(--panel); border-right: 1px solid var(--rule); }
.filters { padding: 12px; display: grid; gap: 8px; border-bottom: 1px solid var(--rule); }
.filters .row { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
.filters input, .filters select { width: 100%; min-width: 0; padding: 6px 9px; background: var(--bg); border: 1px solid var(--rule); border-radius: 7px; }
.list { flex: 1; min-height: 0; overflow: auto; padding: 4px 8px 12px; }
.list h3 { display: flex; justify-content: space-between; padding: 12px 8px 4px; font-size: 12px; font-weight: 600; color: var(--soft); }
.list h3 b { font-weight: 400; font-variant-numeric: tabular-nums; }
.list:empty { display: none; }
.actor { display: grid; grid-template-columns: 10px minmax(0, 1fr) auto; column-gap: 9px; align-items: center; width: 100%; padding: 6px 8px;
  border: 0; border-radius: 7px; background: none; text-align: left; cursor: pointer; }
.actor:hover { background: var(--hover); }
.actor[aria-current] { background: var(--accent-bg); }
.actor .key { font-weight: 550; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.actor .where { grid-column: 2 / -1; font-size: 12px; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.actor .age { font-size: 12px; color: var(--soft); font-variant-numeric: tabular-nums; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 50%; background: var(--soft); }
.dot.active { background: var(--accent); }
.dot.done { background: none; border: 2px solid var(--accent); }
.dot.error { background: var(--bad); }
.dot.stopped, .dot.unknown { background: none; border: 2px solid var(--soft); }
.more { padding: 10px 16px; color: var(--soft); font-size: 13px; }
.main { min-width: 0; min-height: 0; display: grid; grid-template: auto minmax(0, 1fr) / minmax(0, 1fr) minmax(300px, 30%); gap: 14px; padding: 14px; }
.head { grid-column: 1 / -1; display: flex; flex-wrap: wrap; align-items: center; gap: 6px 18px; }
.head h2 { font-size: 19px; overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 12px; align-items: center; color: var(--soft); font-variant-numeric: tabular-nums; }
.pill { padding: 1px 9px; border-radius: 20px; background: var(--accent-bg); color: var(--accent); font-weight: 600; }
.pill.error { background: var(--bad-bg); color: var(--bad); }
.pill.stopped { background: var(--hover); color: var(--soft); }
.tag { padding: 1px 8px; border-radius: 20px; background: var(--hover); font-size: 12px; }
.family { flex-basis: 100%; display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; }
.family:empty { display: none; }
.chip { display: inline-flex; align-items: center; gap: 6px; max-width: 260px; padding: 2px 9px; overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
  background: var(--panel); border: 1px solid var(--rule); border-radius: 20px; cursor: pointer; font-size: 13px; }
.chip:hover { background: var(--hover); }
.drawing, .detail { min-height: 0; display: flex; flex-direction: column; background: var(--panel); border: 1px solid var(--rule); border-radius: 10px; overflow: hidden; }
.tools { display: flex; align-items: center; gap: 12px; padding: 8px 12px; border-bottom: 1px solid var(--rule); }
.tools .where { flex: 1; min-width: 0; font-weight: 600; color: var(--accent); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.zoom { display: flex; }
.zoom button { padding: 3px 11px; background: var(--panel); border: 1px solid var(--rule); cursor: pointer; }
.zoom button:hover { background: var(--hover); }
.zoom button + button { border-left: 0; }
.zoom button:first-child { border-radius: 7px 0 0 7px; }
.zoom button:last-child { border-radius: 0 7px 7px 0; }
.canvas { flex: 1; min-height: 0; overflow: auto; padding: 16px; display: flex; }
.canvas > * { margin: auto; flex: none; }
.canvas:focus-visible, .panel:focus-visible { outline-offset: -2px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; padding: 8px 14px; list-style: none; border-top: 1px solid var(--rule); color: var(--soft); font-size: 12px; }
.legend li { display: flex; align-items: center; gap: 6px; }
.k { width: 18px; height: 12px; border-radius: 4px; border: 1.5px solid var(--soft); }
.k.current { border-color: var(--accent); background: var(--accent-bg); }
.k.parent { border-color: var(--accent); }
.k.parallel { border-style: dashed; }
.k.final { border-style: double; border-width: 4px; }
.k.dot { width: 9px; height: 9px; border: 0; border-radius: 50%; background: var(--soft); }
.k.last { height: 0; border: 0; border-top: 3px solid var(--last); border-radius: 0; }
.gear { color: var(--word); font-weight: 400; }
.tabs { display: flex; gap: 2px; padding: 0 8px; border-bottom: 1px solid var(--rule); overflow-x: auto; }
.tabs button { padding: 9px 5px 7px; font-size: 13px; background: none; border: 0; border-bottom: 2px solid transparent; color: var(--soft); cursor: pointer; white-space: nowrap; }
.tabs button[aria-selected=true] { color: var(--ink); border-color: var(--accent); font-weight: 600; }
.panel { flex: 1; min-height: 0; overflow: auto; padding: 10px 12px; font: 12.5px/1.6 ui-monospace, "Cascadia Mono", "SF Mono", Menlo, "DejaVu Sans Mono", monospace; }
.panel .pad { font-family: system-ui, "DejaVu Sans", sans-serif; }
.panel .leaf { padding-left: 15px; overflow-wrap: anywhere; }
.panel .inner { padding-left: 15px; border-left: 1px solid var(--rule); margin-left: 4px; }
.panel summary { cursor: pointer; overflow-wrap: anywhere; list-style-position: outside; margin-left: 13px; }
.n { color: var(--soft); }
.v.string { color: var(--string); }
.v.number { color: var(--number); }
.v.boolean, .v.null { color: var(--word); }
.said { display: grid; gap: 10px; }
.said h4 { display: flex; flex-wrap: wrap; gap: 0 10px; font-weight: 400; }
.said b { font-weight: 600; }
.said pre { white-space: pre-wrap; overflow-wrap: anywhere; padding-left: 10px; border-left: 2px solid var(--accent); font: inherit; }
.said .ended pre { border-color: var(--rule); }
.events { list-style: none; display: grid; gap: 2px; }
.events li { padding: 4px 0; border-bottom: 1px solid var(--rule); }
.events .plain { padding-left: 13px; }
.events time { color: var(--soft); margin-right: 10px; }
.events b { font-weight: 600; margin-right: 8px; overflow-wrap: anywhere; }
.empty { display: grid; place-items: center; padding: 32px; }
.empty > div { max-width: 520px; display: grid; gap: 12px; }
.empty h2 { font-size: 22px; }
.empty p { color: var(--soft); }
.empty pre { padding: 10px 14px; background: var(--code); border: 1px solid var(--rule); border-radius: 8px; overflow: auto; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
@media (max-width: 1000px) { body { height: auto; } .frame, .main { display: flex; flex-direction: column; }
  .side { max-height: 40vh; border-right: 0; border-bottom: 1px solid var(--rule); } .drawing { height: 70vh; } .detail { height: 60vh; } }
@media (prefers-reduced-motion: no-preference) { .chart .box, .chart .line, .chart .pill { transition: fill .2s, stroke .2s; } }
`;
