import { ERROR_CATALOGUE, pageOfError } from '#telemetry';
import { PUBLIC } from '../access/roles.ts';
import { PAGE_HEADERS } from '../dashboard/dashboard-files.ts';
import type { ApiApp } from '../http/app.ts';
import { htmlOf, htmlPage } from '../http/html-page.ts';

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
  return htmlPage('Errors', [
    '<p>The code of an error is stable; its message names the thing and the place.</p>',
    ...sections,
  ]);
}
