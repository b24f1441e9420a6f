import type { FastifyRequest } from 'fastify';
import { describe, expect, it } from 'vitest';
import { prefersMarkdown, wantsPage } from './accept.ts';

const accepting = (accept: string | undefined) => ({ headers: { accept } }) as FastifyRequest;

describe('who accepts', () => {
  it.each([
    { accept: undefined, markdown: false, page: false },
    { accept: '*/*', markdown: false, page: false },
    { accept: 'text/markdown', markdown: true, page: false },
    { accept: 'Text/Markdown; charset=utf-8', markdown: true, page: false },
    { accept: 'text/markdown, */*;q=0.1', markdown: true, page: false },
    { accept: 'text/markdown;q=0', markdown: false, page: false },
    { accept: 'text/html, application/xhtml+xml, */*;q=0.8', markdown: false, page: true },
    { accept: 'text/markdown, text/html;q=0.9', markdown: true, page: true },
    { accept: 'text/markdown;q=0.5, text/html', markdown: false, page: true },
    { accept: 'text/html;q=0, text/markdown;q=0.1', markdown: true, page: true },
    { accept: 'text/markdown, text/html, */*', markdown: true, page: true },
    { accept: 'text/html, text/markdown', markdown: false, page: true },
    { accept: ', ;q=x', markdown: false, page: false },
  ])('$accept gets Markdown: $markdown, and is a browser: $page', ({ accept, markdown, page }) => {
    expect([prefersMarkdown(accepting(accept)), wantsPage(accepting(accept))]).toEqual([markdown, page]);
  });
});
