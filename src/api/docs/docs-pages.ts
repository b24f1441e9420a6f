import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ERROR_CATALOGUE, OmoiError, pageOfError } from '#telemetry';
import { z } from 'zod';
import { PUBLIC } from '../access/roles.ts';
import { PAGE_HEADERS } from '../dashboard/dashboard-files.ts';
import type { ApiApp } from '../http/app.ts';
import { htmlOf, htmlPage } from '../http/html-page.ts';

const HEADING = /^# (.+)$/m;

/** A page of the documentation that this installation has, by its path below the folder: `monitoring/otlp.md`. */
interface DocsPage {
  readonly path: string;
  readonly title: string;
}

/**
 * `/docs`: what there is to be read here, with links; and each page of the documentation as it is written, so that a
 * machine without a way out has it too.
 * @param directory the installation's; null or a missing folder: there are only the pages that the server makes itself
 */
export function registerDocsPages(app: ApiApp, directory: string | null): void {
  const pages = directory === null ? [] : pagesIn(directory);
  const list = listPage(pages);
  app.get(
    '/docs',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'The pages of the documentation, with links, as a page for people',
      },
    },
    (_request, reply) =>
      reply
        .headers(PAGE_HEADERS)
        .header('cache-control', 'no-cache')
        .type('text/html; charset=utf-8')
        .send(list),
  );
  const known = new Set(pages.map(({ path }) => path));
  app.get(
    '/docs/*',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'A page of the documentation, as Markdown',
        params: z.object({ '*': z.string().describe('As `/docs` lists it: `monitoring/otlp.md`.') }),
      },
    },
    async (request, reply) => {
      const path = request.params['*'];
      if (directory === null || !known.has(path)) {
        throw new OmoiError('not_found', `there is no page /docs/${path}; /docs lists those that there are`);
      }
      const text = await readFile(join(directory, path), 'utf8');
      return reply
        .headers(PAGE_HEADERS)
        .header('cache-control', 'no-cache')
        .type('text/plain; charset=utf-8')
        .send(text);
    },
  );
}

function pagesIn(directory: string): readonly DocsPage[] {
  const entries = namesIn(directory);
  return entries
    .filter((path) => path.endsWith('.md'))
    .toSorted()
    .map((path) => {
      const [, title = path] = HEADING.exec(readFileSync(join(directory, path), 'utf8')) ?? [];
      return { path, title };
    });
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

function listPage(pages: readonly DocsPage[]): string {
  const made: readonly (readonly [string, string])[] = [
    [
      pageOfError('').replace('#', ''),
      `The ${Object.keys(ERROR_CATALOGUE).length} errors, and what to do about each`,
    ],
    ['/openapi.json', 'The HTTP API, for programs (OpenAPI)'],
    ['/metrics', 'What Omoi measures of itself, as Prometheus reads it'],
  ];
  const links = [...made, ...pages.map(({ path, title }) => [`/docs/${path}`, title] as const)];
  return htmlPage('Documentation', [
    '<ul>',
    ...links.map(([href, title]) => `<li><a href="${htmlOf(href)}">${htmlOf(title)}</a></li>`),
    '</ul>',
  ]);
}
