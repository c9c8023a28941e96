// Colours of a chart: inside the SVG, so that it can be opened alone, and in the page's style sheet.
export const CHART_STYLE = `
.chart { --ink: #1c2330; --soft: #5b6577; --line: #8b95a7; --box: #ffffff; --nest: #f5f7fa; --edge-bg: #ffffff;
  --lit: #0b7a4b; --lit-bg: #e2f6ec; --lit-soft: #f0faf5; --last: #b45309; --invoke: #5b3fc4; --tag: #e8ecf3;
  font-family: system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { .chart { --ink: #e8ecf3; --soft: #a2adbf; --line: #6c7789; --box: #1d2430;
  --nest: #171d27; --edge-bg: #12171f; --lit: #4cd699; --lit-bg: #123c2b; --lit-soft: #15271f; --last: #f5a524;
  --invoke: #b4a0ff; --tag: #2b3444; } }
.chart text { fill: var(--ink); }
.chart .box { fill: var(--box); stroke: var(--line); stroke-width: 1.25; }
.chart .compound > .box, .chart .parallel > .box { fill: var(--nest); }
.chart .depth-0 > .box { fill: none; stroke-opacity: .6; }
.chart .parallel > .box { stroke-dasharray: 6 4; }
.chart .inner { fill: none; stroke: var(--line); }
.chart .history > .box { stroke-dasharray: 2 3; }
.chart .rule { stroke: var(--line); stroke-opacity: .35; fill: none; }
.chart .name { font-weight: 600; }
.chart .note { fill: var(--soft); }
.chart .invoke { fill: var(--invoke); }
.chart .tag rect { fill: var(--tag); }
.chart .line { fill: none; stroke: var(--line); stroke-width: 1.5; }
.chart .head { fill: context-stroke; stroke: none; }
.chart .initial { fill: var(--line); }
.chart .pill { fill: var(--edge-bg); stroke: var(--line); stroke-opacity: .35; }
.chart .guard { fill: var(--soft); }
.chart .state.active > .box { stroke: var(--lit); stroke-width: 2; }
.chart .state.active.compound > .box, .chart .state.active.parallel > .box { fill: var(--lit-soft); }
.chart .state.active.depth-0 > .box { fill: none; }
.chart .state.current > .box { fill: var(--lit-bg); stroke: var(--lit); stroke-width: 2.5; }
.chart .state.current > .inner { stroke: var(--lit); }
.chart .state.active > .name { fill: var(--lit); }
.chart .edge.open .line { stroke: var(--soft); stroke-width: 1.75; }
.chart .edge.last .line { stroke: var(--last); stroke-width: 2.25; }
.chart .edge.last .pill { stroke: var(--last); stroke-opacity: 1; }
.chart .edge.last .event { fill: var(--last); }
`;
