import { posix } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OmoiError } from '#telemetry';
import { z } from 'zod';
import { PUBLIC } from '../access/roles.ts';
import { prefersMarkdown, wantsPage } from '../http/accept.ts';
import type { ApiApp } from '../http/app.ts';
import { layOut } from './layout.ts';
import { DOCS_HEADERS } from './look.ts';
import { escapeHtml, plainText, type HrefOf } from './markdown/inline.ts';
import { parseMarkdown, type Block } from './markdown/parse.ts';
import { renderBlocks } from './markdown/render.ts';
import { plainTitle, readPages, RUNBOOKS, shelve, type DocsPage, type Shelf } from './pages.ts';

type Pages = ReadonlyMap<string, DocsPage>;

const EXTENSION = '.md';
/** Fewer sections are found without a list of them. */
const minListed = 3;

/**
 * `/docs`: the documentation of this installation, so that a machine without a way out has it too. People get pages; programs get
 * Markdown, where they ask for it by `Accept: text/markdown` or by a name that ends with `.md`. `/runbooks/NAME` is one of them, too.
 * @param directory the installation's; null or a missing folder: there is only what the server knows itself
 */
export function registerDocsPages(app: ApiApp, directory: string | null): void {
  const pages = readPages(directory);
  const shelves = shelve(pages);
  const rendered = new RenderedPages(pages, shelves);
  const list = listOf(shelves);
  const listPage = layOut({
    title: 'Documentation',
    content: renderBlocks(parseMarkdown(list), hrefsIn('', pages)),
    shelves: [],
    page: null,
  });
  app.get(
    '/docs',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary:
          'The pages of the documentation, with links: as a page for people, as Markdown for who accepts `text/markdown`',
      },
    },
    (request, reply) =>
      prefersMarkdown(request) ? sendMarkdown(request, reply, list) : sendPage(reply, listPage),
  );
  app.get(
    '/docs/*',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary: 'A page of the documentation: for people, as Markdown for who accepts `text/markdown`',
        params: z.object({
          '*': z
            .string()
            .describe(
              'As `/docs` lists it: `monitoring/otlp`; with `.md` behind it, it is Markdown for everybody.',
            ),
        }),
      },
    },
    async (request, reply) => {
      const path = request.params['*'];
      const isFile = path.endsWith(EXTENSION);
      const page = pages.get(isFile ? path.slice(0, -EXTENSION.length) : path);
      if (page === undefined) return sendNowhere(request, reply, { path: `/docs/${path}`, shelves });
      const text = await page.text();
      if (isFile || prefersMarkdown(request)) return sendMarkdown(request, reply, text);
      return sendPage(reply, rendered.of(page, text));
    },
  );
  app.get(
    '/runbooks/:name',
    {
      config: { access: PUBLIC },
      schema: {
        tags: ['health'],
        summary:
          'What to do about the alerts of a rule, where `runbook_url` of the shipped rules leads: for people, as Markdown for who accepts `text/markdown`',
        params: z.object({ name: z.string().describe('Of the rule: `AgentFailed`.') }),
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const page = pages.get(`${RUNBOOKS}${name}`);
      if (page === undefined) return sendNowhere(request, reply, { path: `/runbooks/${name}`, shelves });
      const text = await page.text();
      return prefersMarkdown(request)
        ? sendMarkdown(request, reply, text)
        : sendPage(reply, rendered.of(page, text));
    },
  );
}

function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.headers(DOCS_HEADERS).type('text/html; charset=utf-8').send(html);
}

/** By its own name for who asked for it by that; a browser shows plain text, and would save what it does not know. */
function sendMarkdown(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const type = prefersMarkdown(request) ? 'text/markdown' : 'text/plain';
  return reply.headers(DOCS_HEADERS).type(`${type}; charset=utf-8`).send(text);
}

function sendNowhere(
  request: FastifyRequest,
  reply: FastifyReply,
  { path, shelves }: { readonly path: string; readonly shelves: readonly Shelf[] },
): FastifyReply {
  if (!wantsPage(request)) {
    throw new OmoiError('not_found', `there is no page ${path}; /docs lists those that there are`);
  }
  const content = [
    '<h1>No such page</h1>',
    `<p>There is no page <code>${escapeHtml(path)}</code> here.`,
    '<a href="/docs">The documentation</a> lists those that there are.</p>',
  ].join('\n');
  return sendPage(reply.code(404), layOut({ title: 'No such page', content, shelves, page: null }));
}

/** Pages as HTML, each kept for as long as its text stays as it is. */
class RenderedPages {
  readonly #pages: Pages;
  readonly #shelves: readonly Shelf[];
  /** At most one a page. */
  readonly #kept = new Map<string, { readonly text: string; readonly html: string }>();

  constructor(pages: Pages, shelves: readonly Shelf[]) {
    this.#pages = pages;
    this.#shelves = shelves;
  }

  of(page: DocsPage, text: string): string {
    const kept = this.#kept.get(page.name);
    if (kept?.text === text) return kept.html;
    const html = layOut({
      title: plainTitle(page),
      content: contentOf(page, parseMarkdown(text), hrefsIn(page.name, this.#pages)),
      shelves: this.#shelves,
      page,
    });
    this.#kept.set(page.name, { text, html });
    return html;
  }
}

/** A page with a list of its sections under its heading, and at its end the way to its Markdown. */
function contentOf(page: DocsPage, blocks: readonly Block[], hrefOf: HrefOf): string {
  const afterTitle = blocks.findIndex((block) => block.kind === 'heading' && block.level === 1) + 1;
  return [
    renderBlocks(blocks.slice(0, afterTitle), hrefOf),
    ...sectionsOf(blocks),
    renderBlocks(blocks.slice(afterTitle), hrefOf),
    `<p class="source"><a href="/docs/${encodeURI(page.name)}${EXTENSION}">This page as Markdown</a></p>`,
  ].join('\n');
}

function sectionsOf(blocks: readonly Block[]): readonly string[] {
  const sections = blocks.flatMap((block) => (block.kind === 'heading' && block.level === 2 ? [block] : []));
  if (sections.length < minListed) return [];
  return [
    '<details><summary>On this page</summary>',
    '<ul>',
    ...sections.map(({ anchor, text }) => `<li><a href="#${anchor}">${plainText(text)}</a></li>`),
    '</ul></details>',
  ];
}

/**
 * Where the links of a page lead: those to another page to that, in its place; those to a file that is not served nowhere.
 * @param name of the page in which they stand
 */
function hrefsIn(name: string, pages: Pages): HrefOf {
  return (target) => {
    if (/^(?:https?:\/\/|#)/.test(target)) return target;
    const [path = '', place] = target.split('#');
    const from = posix.dirname(posix.join('/docs', name));
    const found = posix.resolve(from, path);
    const anchor = place === undefined ? '' : `#${place}`;
    if (found.startsWith('/docs/') && found.endsWith(EXTENSION)) {
      const page = pages.get(found.slice('/docs/'.length, -EXTENSION.length));
      return page === undefined ? null : `/docs/${encodeURI(page.name)}${anchor}`;
    }
    return path.startsWith('/') ? target : null;
  };
}

/** Markdown, as programs get it: its links lead to Markdown, too. */
function listOf(shelves: readonly Shelf[]): string {
  const link = (title: string, href: string): string => `- [${title.replace(/[[\]]/g, '')}](${href})`;
  return [
    '# Documentation',
    '',
    'All of it is here, on your own machine. Each page is there as Markdown, too: its address with `.md` behind it.',
    ...shelves.flatMap(({ title, pages }) => [
      '',
      `## ${title}`,
      ...pages.map((page) => link(page.title, `/docs/${encodeURI(page.name)}${EXTENSION}`)),
    ]),
    '',
    '## For programs',
    link('The HTTP API, as OpenAPI', '/openapi.json'),
    link('What Omoi measures of itself, as Prometheus reads it', '/metrics'),
    '',
  ].join('\n');
}
