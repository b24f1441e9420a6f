import { createHash } from 'node:crypto';

/** The dashboard's colours, light and dark: those of its `styles.css` and its theme. A test holds them against these. */
export const COLOURS: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  '--page': ['#f5f6f8', '#0c1014'],
  '--surface': ['#ffffff', '#13181e'],
  '--surface-sunken': ['#f0f2f5', '#0f1419'],
  '--line': ['#e2e6ec', '#222a33'],
  '--line-strong': ['#cbd2dc', '#34404d'],
  '--ink': ['#121820', '#e6ebf1'],
  '--ink-soft': ['#566171', '#93a0af'],
  '--busy': ['#1b5ab5', '#69a9f7'],
};

/** The mark of the dashboard, as it stands in its `index.html`. */
export const ICON =
  "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='8' fill='#147d6f'/><circle cx='16' cy='16' r='7' fill='none' stroke='white' stroke-width='3'/><circle cx='16' cy='16' r='2.5' fill='white'/></svg>";

const NAMED_COLOURS = Object.entries(COLOURS)
  .map(([name, [light, dark]]) => `${name}: light-dark(${light}, ${dark});`)
  .join(' ');

export const STYLE = `
:root { color-scheme: light dark; ${NAMED_COLOURS} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.6 Inter, ui-sans-serif, system-ui, -apple-system,
  "Segoe UI", Roboto, "Helvetica Neue", sans-serif; overflow-wrap: break-word; }
a { color: var(--busy); text-underline-offset: 3px; }
:focus-visible { outline: 2px solid #037f6e; outline-offset: 2px; }
.skip { position: absolute; left: 8px; top: -60px; padding: 8px 12px; background: var(--surface); }
.skip:focus { top: 8px; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 20px; padding: 10px 24px; border-bottom: 1px solid var(--line);
  background: var(--surface); font-size: 15px; }
header a { color: inherit; text-decoration: none; }
header a:hover { text-decoration: underline; }
header .home { display: flex; align-items: center; gap: 9px; font-weight: 650; }
header svg { width: 24px; height: 24px; }
header .to-pages { display: none; }
.columns { display: grid; grid-template-columns: 232px minmax(0, 1fr); gap: 0 40px; max-width: 1240px; margin: 0 auto; padding: 0 24px; }
.columns > main:only-child { grid-column: 1 / -1; padding-bottom: 40px; }
nav { padding: 28px 0 40px; font-size: 14px; }
nav h2 { margin: 18px 0 4px; color: var(--ink-soft); font-size: 13px; font-weight: 600; }
nav h2:first-child { margin-top: 0; }
nav ul { margin: 0; padding: 0; list-style: none; }
nav li a { display: block; padding: 3px 10px; border-radius: 7px; color: inherit; text-decoration: none; }
nav li a:hover { background: var(--surface-sunken); text-decoration: underline; }
nav li a[aria-current] { background: var(--surface-sunken); font-weight: 600; }
main { min-width: 0; max-width: 860px; padding: 24px 0 45vh; }
h1, h2, h3, h4 { margin: 1.6em 0 0.5em; font-weight: 600; line-height: 1.3; scroll-margin-top: 16px; }
h1 { margin-top: 0; font-size: 28px; }
h2 { font-size: 21px; }
h3 { font-size: 17px; }
h4 { font-size: 16px; }
h2:target, h3:target, h4:target { border-radius: 6px; background: color-mix(in srgb, #e8a200 20%, transparent);
  box-shadow: -8px 0 0 color-mix(in srgb, #e8a200 20%, transparent); }
.anchor { color: var(--ink-soft); font-weight: 400; text-decoration: none; opacity: 0; }
:hover > .anchor, .anchor:focus { opacity: 1; }
@media (hover: none) { .anchor { opacity: 1; } }
p, ul, ol, pre, .table { margin: 0 0 14px; }
li { margin: 3px 0; }
code { padding: 1px 4px; border-radius: 4px; background: color-mix(in srgb, var(--ink) 7%, transparent);
  font: 0.88em ui-monospace, "JetBrains Mono", "SF Mono", Menlo, Consolas, monospace; }
pre { padding: 12px 14px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); overflow-x: auto;
  line-height: 1.5; }
pre code { padding: 0; background: none; font-size: 13px; }
.table { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); }
table { width: 100%; border-collapse: collapse; font-size: 14px; line-height: 1.45; }
th, td { padding: 7px 12px; text-align: left; vertical-align: top; }
th { color: var(--ink-soft); font-weight: 600; }
tr + tr > *, thead + tbody > tr:first-child > * { border-top: 1px solid var(--line); }
td { min-width: 90px; }
details { margin: 0 0 18px; padding: 8px 14px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); font-size: 14px; }
summary { color: var(--ink-soft); font-weight: 600; cursor: pointer; }
details ul { margin: 8px 0 4px; padding-left: 20px; }
.source { margin-top: 40px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--ink-soft); font-size: 14px; }
.source a { color: inherit; }
@media (max-width: 800px) {
  td code { overflow-wrap: anywhere; }
  .wide thead { display: none; }
  .wide tr { display: block; padding: 6px 0; }
  .wide td { display: block; position: relative; padding: 3px 12px 3px 106px; overflow-wrap: anywhere; }
  .wide td::before { position: absolute; left: 12px; width: 88px; color: var(--ink-soft); font-weight: 600; content: attr(data-column); }
  .wide td:empty { display: none; }
  .wide tr > td, .wide thead + tbody > tr:first-child > td { border-top: none; }
  .wide tr + tr { border-top: 1px solid var(--line); }
  header { padding: 10px 16px; }
  header .to-pages { display: inline; margin-left: auto; }
  .columns { display: flex; flex-direction: column-reverse; padding: 0 16px; }
  main { padding: 18px 0 32px; }
  nav { padding: 20px 0 45vh; border-top: 1px solid var(--line); }
  nav li a { padding: 7px 10px; font-size: 15px; }
  h1 { font-size: 24px; }
}
@media print { header, nav, details, .source, .anchor { display: none; } }
`;

/** Nothing runs or loads but the style that stands in the page itself, and its icon. */
export const DOCS_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
  vary: 'accept',
};
