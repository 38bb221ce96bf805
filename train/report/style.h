#pragma once

#include <string_view>

namespace weft {

/// The style sheet of every report. The series colours --s0 ... keep a contrast of at least 4.5 to 1 with the card
/// behind them in both schemes, because the labels at the lines' ends are written in them.
inline constexpr std::string_view page_style = R"css(
:root {
  --page: #f6f6f3; --card: #ffffff; --ink: #1d2329; --soft: #57616b; --rule: #dfe1dc; --track: #ebece7;
  --s0: #0b5fa5; --s1: #a84300; --s2: #0a6b4a; --s3: #8b2f97; --s4: #6b5a00; --s5: #a3243b;
  --hit: #2f7fbf; --miss: #c65a11;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --card: #1d2125; --ink: #e6e8ea; --soft: #a3acb5; --rule: #343a40; --track: #2b3035;
    --s0: #74b4ee; --s1: #f2a065; --s2: #62c79b; --s3: #d597df; --s4: #d3bf52; --s5: #f08a9a;
    --hit: #4f95cf; --miss: #dd7a35;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 4px; font-weight: 650; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 44px 0 4px; font-weight: 650; }
h3 { font-size: .95rem; margin: 0 0 6px; font-weight: 600; }
p { margin: 4px 0 14px; max-width: 46em; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 0; }
.tile, .card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 16px; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 620; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: .85rem; color: var(--soft); line-height: 1.35; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 16px; }
.narrow { max-width: 460px; }
figure { margin: 0; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 12.5px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--soft); }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .l0 { stroke: var(--s0); } svg .l1 { stroke: var(--s1); } svg .l2 { stroke: var(--s2); }
svg .l3 { stroke: var(--s3); } svg .l4 { stroke: var(--s4); } svg .l5 { stroke: var(--s5); }
svg .f0 { fill: var(--s0); } svg .f1 { fill: var(--s1); } svg .f2 { fill: var(--s2); }
svg .f3 { fill: var(--s3); } svg .f4 { fill: var(--s4); } svg .f5 { fill: var(--s5); }
svg .name { font-weight: 600; }
svg .bar { fill: var(--hit); }
.scroll { overflow-x: auto; -webkit-overflow-scrolling: touch; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { font-weight: 600; font-size: .85rem; color: var(--soft); text-align: left; }
.samples { width: 100%; }
.samples td, .samples th { padding: 3px 4px; vertical-align: top; text-align: center; }
.samples img { display: block; height: 168px; width: auto; max-width: 252px; border-radius: 4px; margin: 0 auto; }
.samples td span { font-size: .8rem; color: var(--soft); }
.samples th.best { color: var(--ink); }
.worst { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(260px, 100%), 1fr)); gap: 16px; align-items: start; }
.worst img { display: block; width: 100%; max-height: 340px; object-fit: contain; border-radius: 4px; }
.worst figcaption { display: flex; justify-content: space-between; gap: 10px; font-size: .88rem; margin-top: 8px; }
.worst figcaption span { overflow-wrap: anywhere; }
.key { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0 0 14px; padding: 0; list-style: none; font-size: .88rem; }
.key i { display: inline-block; width: .85em; height: .85em; border-radius: 3px; margin-right: .45em; vertical-align: -.05em; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: 16px; align-items: start; }
.bars { width: 100%; font-size: .88rem; }
.bars td { padding: 2px 0; }
.bars td:first-child { width: 32%; padding-right: 10px; overflow-wrap: anywhere; line-height: 1.25; }
.bars td.n, .bars th.n { text-align: right; white-space: nowrap; padding-left: 10px; width: 1%; }
.track { display: block; height: 10px; background: var(--track); border-radius: 5px; overflow: hidden; }
.track i { display: block; height: 100%; background: var(--hit); }
.track.wrong i { background: var(--miss); }
.figures td, .figures th { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--rule); white-space: nowrap; }
.figures td:first-child { font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)); gap: 0 28px; margin: 0; font-size: .88rem; }
dl div { display: flex; justify-content: space-between; gap: 16px; border-bottom: 1px solid var(--rule); padding: 4px 0; }
dt { color: var(--soft); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; min-width: 0; }
pre { background: var(--track); border-radius: 8px; padding: 12px 14px; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere;
      font: .85rem/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
@media (max-width: 640px) {
  main { padding: 20px 14px 48px; }
  h1 { font-size: 1.35rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  .card { padding: 12px; }
  .samples img { height: 132px; }
}
@media print { body { background: #fff; } .card, .tile, figure { break-inside: avoid; } }
)css";

}  // namespace weft
