#include "reports/html_parts.h"

namespace gameday {
namespace {

// Colours carry nothing alone: each has a word, a glyph or a hatching beside it.
constexpr std::string_view kStyle = R"css(:root {
  color-scheme: light dark;
  --page: #f5f5f2; --paper: #ffffff; --ink: #1b2126; --soft: #56616a; --line: #dddfdc;
  --good: #1c6b47; --good-ground: #e9f3ee; --bad: #ad2318; --bad-ground: #fbeae8;
  --unknown: #7d5200; --unknown-ground: #fbf2e0; --accent: #285d8c; --bar: #6f8ea8;
  --quiet: #b9c2c8;
  --band: #ad231812; --band-line: #ad231838; --area: #7fa58f;
}
@media (prefers-color-scheme: dark) { :root {
  --page: #13161a; --paper: #1a1e23; --ink: #e4e7ea; --soft: #a3adb6; --line: #323940;
  --good: #7ccaa0; --good-ground: #17291f; --bad: #f4978e; --bad-ground: #331a18;
  --unknown: #e3b765; --unknown-ground: #2d2413; --accent: #8fbde6; --bar: #6c8ca8;
  --quiet: #4b555e;
  --band: #f4978e14; --band-line: #f4978e3d; --area: #3f6f57;
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.5;
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans",
  sans-serif;
  font-size: 16px; font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 28px 72px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -.012em;
  overflow-wrap: anywhere; }
h2 { font-size: 19px; margin: 0 0 14px; letter-spacing: -.005em; }
h3 { font-size: 16px; margin: 22px 0 4px; overflow-wrap: anywhere; }
h3 span { color: var(--soft); font-weight: 400; }
p { margin: 0 0 10px; max-width: 74ch; overflow-wrap: anywhere; }
code { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace;
  font-size: .86em;
  overflow-wrap: anywhere; }
small { color: var(--soft); font-size: .82em; white-space: nowrap; }
.patterns { position: absolute; }
.kicker { text-transform: uppercase; letter-spacing: .09em; font-size: 12px; color: var(--soft);
  margin: 0 0 6px; }
.summary { font-size: 17px; color: var(--soft); }
.facts { color: var(--soft); font-size: 14px; max-width: none; }
.dot { color: var(--quiet); }
.top { margin-bottom: 22px; }
.verdict { display: grid; grid-template-columns: auto 1fr; gap: 4px 28px; align-items: start;
  background: var(--paper);
  border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 8px;
  padding: 20px 24px; }
.verdict.good { --tone: var(--good); } .verdict.bad { --tone: var(--bad); }
  .verdict.unknown { --tone: var(--unknown); }
.verdict .word { font-size: 28px; font-weight: 650; line-height: 1.25; color: var(--tone);
  margin: 0; white-space: nowrap; }
.verdict .meaning { font-weight: 550; margin: 6px 0; }
.verdict .code { color: var(--soft); font-weight: 400; white-space: nowrap; }
.verdict ul { margin: 0; padding-left: 18px; } .verdict li { margin: 3px 0;
  overflow-wrap: anywhere; }
.alarm { background: var(--bad-ground); border: 2px solid var(--bad); border-radius: 8px;
  padding: 18px 24px; margin-top: 18px; }
.alarm h2 { color: var(--bad); } .alarm ol { margin: 0; padding-left: 22px; }
  .alarm li { margin: 8px 0; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(164px, 1fr)); gap: 12px;
  margin: 18px 0 0; }
.tile { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 16px; }
.tile dt { color: var(--soft); font-size: 13px; } .tile dd { margin: 0; }
.tile .figure { font-size: 23px; font-weight: 600; line-height: 1.35; letter-spacing: -.01em; }
.tile .beside { color: var(--soft); font-size: 13px; overflow-wrap: anywhere; }
section { margin-top: 44px; }
table { width: 100%; border-collapse: collapse; background: var(--paper);
  border: 1px solid var(--line); margin: 0 0 14px;
  font-size: 14px; }
caption { text-align: left; color: var(--soft); font-size: 13px; padding: 0 0 6px; }
th, td { text-align: left; vertical-align: top; padding: 8px 12px;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { color: var(--soft); font-weight: 550; font-size: 12.5px; border-top: 0;
  overflow-wrap: normal; }
tbody th { font-weight: 600; min-width: 15ch; } tbody td:not(.n) { min-width: 14ch; }
.wide tbody th { min-width: 9ch; } .tile .none { font-size: 16px; font-weight: 500; }
.wide tbody td:not(.n) { min-width: 0; }
th.n, td.n { text-align: right; white-space: nowrap; overflow-wrap: normal; }
thead th.n { white-space: normal; }
.wide table { font-size: 13px; } .wide th, .wide td { padding: 7px 8px; }
.note { color: var(--soft); font-size: 14px; }
.mark { white-space: nowrap; font-weight: 600; }
.good.mark, b.good { color: var(--good); } .bad.mark, strong.bad { color: var(--bad); }
  .unknown.mark { color: var(--unknown); }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 10px;
  padding: 0; color: var(--soft);
  font-size: 13px; }
.key li { display: flex; align-items: center; gap: 6px; }
.keys { columns: 2; padding-left: 18px; font-size: 13px; }
.chart { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 10px 14px; }
.row { display: grid; grid-template-columns: 190px minmax(0, 1fr); gap: 0 14px; }
.label { font-size: 13px; line-height: 22px; overflow-wrap: anywhere; }
  .label b { font-weight: 600; }
.label span { color: var(--soft); }
.one-line { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.label .key { margin: 2px 0 0; flex-direction: column; gap: 0; }
.axis-row .label { color: var(--soft); font-size: 12px; line-height: 18px; }
.plot { min-width: 0; } .plot > svg { display: block; width: 100%; overflow: hidden; }
.plot > svg[height="150"], .plot > svg[height="96"] { margin-bottom: 8px;
  border-bottom: 1px solid var(--line); }
svg text { font-size: 12px; fill: var(--soft); }
svg .bar-text, svg .scale { paint-order: stroke; stroke: var(--paper); stroke-width: 4px;
  stroke-linejoin: round; }
svg .bar-text { fill: var(--ink); } svg .before, svg .wanted { text-anchor: end; }
.band { fill: url(#hatch); } .hatch-ground { fill: var(--band); }
  .hatch-line { fill: var(--band-line); }
.grid { stroke: var(--line); stroke-width: 1; } .level { stroke: var(--line); stroke-width: 1;
  stroke-dasharray: 2 4; }
.bar { fill: var(--bar); stroke: var(--bar); stroke-width: 1.5; rx: 2px; }
.bar.fault { fill: var(--bad); stroke: var(--bad); } .in-force { fill: var(--bad);
  stroke: var(--bad); stroke-width: 1; }
.bar.backup, .bar.restore { fill: var(--accent); stroke: var(--accent); }
.bar.steady_state, .bar.wait, .bar.settling { fill: var(--paper); stroke: var(--bar); }
.bar.reverting, .bar.verifying, .bar.cleaning, .bar.closing { fill: var(--quiet);
  stroke: var(--soft); stroke-width: 1; }
.outage { fill: var(--ink); stroke: var(--ink); stroke-width: 1.5; }
svg .good { fill: var(--good); stroke: var(--good); stroke-width: .5; }
svg .no { fill: none; stroke: var(--soft); stroke-width: 1; }
svg .failed { fill: url(#failed); stroke: var(--bad); stroke-width: 1; }
svg .flat { stroke: none; }
.failed-ground { fill: var(--bad-ground); } .failed-line { fill: var(--bad); }
path.answered { fill: var(--area); stroke: none; } rect.answered { fill: var(--area); }
.p99, .p50 { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round;
  stroke-linecap: round; }
.p50 { stroke: var(--soft); stroke-width: 1.4; stroke-dasharray: 1 3.5; }
.objective { stroke: var(--unknown); stroke-width: 1.2; stroke-dasharray: 8 4; }
  svg .wanted { fill: var(--unknown); }
.marked { fill: var(--unknown); } .marked.ground { opacity: .16; }
.max { fill: none; stroke: var(--bad); stroke-width: 1; }
article { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 14px 20px; margin: 0 0 12px; }
article h3 { margin: 0; } article .facts { margin: 0 0 8px; overflow-wrap: anywhere; }
.life { list-style: none; margin: 0; padding: 0; font-size: 14px; }
.life li { display: grid; grid-template-columns: 64px minmax(0, 1fr); gap: 12px; padding: 5px 0;
  border-top: 1px solid var(--line); }
.life time { color: var(--soft); text-align: right; } .life div { overflow-wrap: anywhere; }
  .life code { color: var(--soft); }
.pairs { display: grid; grid-template-columns: 190px minmax(0, 1fr); gap: 3px 14px;
  font-size: 14px; margin: 0 0 16px; }
.pairs dt { color: var(--soft); } .pairs dd { margin: 0; overflow-wrap: anywhere; }
.score-head { font-size: 23px; font-weight: 600; margin: 0 0 2px; max-width: none; }
.score-head small { font-size: 15px; font-weight: 400; white-space: normal; }
.gates { margin: 0 0 14px; padding-left: 22px; } .gates li { overflow-wrap: anywhere; }
.pillars { display: grid; grid-template-columns: max-content minmax(0, 1fr) max-content; gap: 7px 18px;
  align-items: center; background: var(--paper); border: 1px solid var(--line);
  border-radius: 8px; padding: 14px 18px; margin: 14px 0 8px; font-size: 14px; }
.pillars .whole { font-weight: 650; } .pillars span { color: var(--soft); }
.pillars svg { display: block; width: 100%; height: 16px; }
.track { fill: var(--page); stroke: var(--line); stroke-width: 1; }
.earned { fill: var(--bar); } .open { fill: url(#open); stroke: var(--bar); stroke-width: 1; }
.open-ground { fill: var(--paper); } .open-line { fill: var(--bar); }
.criteria tbody th { min-width: 9ch; } .criteria tbody td:not(.n) { min-width: 0; }
.criteria td:nth-child(2) { min-width: 22ch !important; }
.criteria h3 small { font-weight: 400; }
@media screen and (max-width: 760px) {
  .pillars { grid-template-columns: 1fr; gap: 2px; padding: 12px 14px; }
  .pillars > svg, .pillars > div.of { margin-bottom: 8px; }
  main { padding: 24px 14px 48px; } h1 { font-size: 24px; }
  .verdict { grid-template-columns: 1fr; padding: 16px 18px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; } .tile { padding: 11px 12px; }
  .tile .figure { font-size: 19px; }
  section { margin-top: 34px; }
  .chart { padding: 8px 10px; } .row { grid-template-columns: 1fr; } .label { line-height: 20px;
  margin-top: 6px; }
  .axis-row .label { display: none; } .label .key { flex-direction: row; gap: 0 16px; }
  .pairs { grid-template-columns: 1fr; } .pairs dd { margin-bottom: 6px; } .keys { columns: 1; }
  .life li { grid-template-columns: 48px minmax(0, 1fr); gap: 10px; }
  article { padding: 12px 14px; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, th, td { display: block; } caption { display: block; }
  table { border: 0; background: none; }
  tbody tr { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  margin: 0 0 8px; padding: 6px 12px; }
  tbody td, tbody th, tbody td.n, .wide tbody td, .wide tbody th { display: grid;
  grid-template-columns: 38% minmax(0, 1fr); gap: 10px;
    padding: 3px 0; border: 0; text-align: left; white-space: normal; }
  tbody td::before { content: attr(data-label); color: var(--soft); }
  tbody th { display: block; } tbody td:has(> span:empty) { display: none; }
}
@media print {
  @page { size: A4; margin: 14mm; }
  :root { color-scheme: light; --page: #fff; --paper: #fff; --ink: #000; --soft: #444;
  --line: #c9c9c9; --good: #1c6b47;
    --bad: #ad2318; --bad-ground: #fff; --unknown: #7d5200; --accent: #285d8c; --bar: #6f8ea8;
    --quiet: #b9c2c8;
    --band: #ad231812; --band-line: #ad231838; --area: #7fa58f; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 12px; } main { max-width: none; padding: 0; } section { margin-top: 22px; }
  table, .wide table, .life, .pairs { font-size: 10.5px; } th, td { padding: 4px 6px; } .wide th,
  .wide td { padding: 3px 4px; }
  .row { grid-template-columns: 130px minmax(0, 1fr); }
  .pairs { grid-template-columns: 130px minmax(0, 1fr); }
  tr, .tile, .row, article li, .verdict, .alarm { break-inside: avoid; } h2, h3,
  caption { break-after: avoid; }
  .tiles { grid-template-columns: repeat(6, 1fr); gap: 6px; } .tile { padding: 8px; }
  .tile .figure { font-size: 15px; } .pillars { font-size: 10.5px; break-inside: avoid; }
}
)css";

}  // namespace

std::string_view report_style() { return kStyle; }

}  // namespace gameday
