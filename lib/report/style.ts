// The report's style sheet: one column, the system's font, light and dark.
import { Html } from './html.js'

export const style = new Html(`
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2329; --faint: #5d6872; --line: #dde3e8;
  --kept: #0b7fab; --dropped: #c3ccd4; --threshold: #c2410c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --ink: #e6ebef; --faint: #98a4ae; --line: #2c343b;
    --kept: #3fb4e0; --dropped: #4b5761; --threshold: #fb923c;
  }
}
body { max-width: 1380px; margin: 2.5rem auto; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.9rem; margin: 0 0 1rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
h4 { font-size: .85rem; font-weight: 500; margin: .6rem 0 .3rem; color: var(--faint); }
small, figcaption { color: var(--faint); font-weight: 400; font-size: .85rem; }
code { font-size: .85em; color: var(--faint); }
i { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin: 0 .15em 0 .6em; }
i.kept, .bar.kept { background: var(--kept); }
i.dropped, .bar.dropped { background: var(--dropped); }
i.edge { height: 0; border-top: 2px dashed var(--threshold); vertical-align: middle; }
h4 i { margin-left: 0; }
.legend { font-weight: 400; font-size: .85rem; color: var(--faint); }
.bar { display: inline-block; height: .75em; border-radius: 2px; }
.tiles { display: flex; flex-wrap: wrap; gap: 1rem; list-style: none; padding: 0; }
.tiles li { border: 1px solid var(--line); border-radius: 8px; padding: .7rem 1.1rem; min-width: 9rem; }
.tiles b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tiles small { display: block; }
.figures, .montage { display: flex; flex-wrap: wrap; gap: .75rem; }
figure { margin: 0; }
.figures figure { width: 430px; }
.montage figure { width: 100px; }
.montage figcaption { font-size: .7rem; line-height: 1.3; overflow-wrap: anywhere; }
.montage img { border-radius: 4px; background: #000; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem 1.2rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 500; font-size: .85rem; }
.number { text-align: right; white-space: nowrap; }
.wide { overflow-x: auto; }
.whole th, .whole td { overflow-wrap: normal; }
.wide th { vertical-align: bottom; }
.wide th.number { white-space: normal; }
`)
