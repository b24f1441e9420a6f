const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem; }
code { font-family: ui-monospace, monospace; font-size: 0.95em; overflow-wrap: anywhere; }
button { font: inherit; padding: 0.6rem 1.2rem; margin: 0.35rem 0; }
p { margin: 0.35rem 0; }
`;

/** A page for people that needs nothing else: no script, no file, no network. */
export function htmlPage(title: string, content: readonly string[]): string {
  return [
    '<!doctype html>',
    `<html lang="en"><head><meta charset="utf-8"><title>${title} · Omoi</title>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<style>${STYLE}</style></head><body><main>`,
    `<h1>${title}</h1>`,
    ...content,
    '</main></body></html>',
    '',
  ].join('\n');
}

/** Text, in which only what stands between backticks is marked. */
export function htmlOf(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/`([^`]+)`/g, '<code>$1</code>');
}
