import { ERROR_CATALOGUE, pageOfError } from '#telemetry';
import { PUBLIC } from '../access/roles.ts';
import { PAGE_HEADERS } from '../dashboard/dashboard-files.ts';
import type { ApiApp } from '../http/app.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 60vh; }
code { font-family: ui-monospace, monospace; font-size: 0.95em; }
section { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: 0.75rem 1rem; }
section:target { background: color-mix(in srgb, orange 18%, transparent); }
h2 { font-size: 1.1rem; margin: 0; }
p { margin: 0.35rem 0; }
a { color: inherit; }
`;

/** What the server tells about its errors, each code at a place of its own: from the catalogue, without a network. */
export function registerErrorPage(app: ApiApp): void {
  const path = pageOfError('').replace('#', '');
  const page = errorPage();
  app.get(
    path,
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'What each error says, and what to do about it, as a page for people',
      },
    },
    (_request, reply) =>
      reply
        .headers(PAGE_HEADERS)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(page),
  );
}

function errorPage(): string {
  const sections = Object.entries(ERROR_CATALOGUE).map(([code, { status, retryable, meaning, remedy }]) => {
    const again = retryable
      ? 'The same call may succeed later.'
      : 'The same call fails again until something is changed.';
    return [
      `<section id="${code}">`,
      `<h2><a href="#${code}"><code>${code}</code></a> · ${status}</h2>`,
      `<p>${htmlOf(meaning)}</p>`,
      `<p><strong>What to do:</strong> ${htmlOf(remedy)} ${again}</p>`,
      '</section>',
    ].join('\n');
  });
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><title>Errors · Omoi</title>',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<style>${STYLE}</style></head><body><main>`,
    '<h1>Errors</h1>',
    '<p>The code of an error is stable; its message names the thing and the place.</p>',
    ...sections,
    '</main></body></html>',
    '',
  ].join('\n');
}

/** Text of the catalogue, in which only what stands between backticks is marked. */
function htmlOf(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/`([^`]+)`/g, '<code>$1</code>');
}
