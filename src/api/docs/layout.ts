import { ICON, STYLE } from './look.ts';
import { plainTitle, type DocsPage, type Shelf } from './pages.ts';

export interface Layout {
  /** HTML. */
  readonly title: string;
  /** HTML. */
  readonly content: string;
  /** What stands beside the content; empty: nothing does. */
  readonly shelves: readonly Shelf[];
  /** The page that this is; null: none of them. */
  readonly page: DocsPage | null;
}

/** A page for people that needs nothing else: no script, no file, no network. */
export function layOut({ title, content, shelves, page }: Layout): string {
  const isAlone = shelves.length === 0;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${title} · Omoi</title>`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">`,
    `<style>${STYLE}</style></head><body>`,
    '<a class="skip" href="#content">Skip to the content</a>',
    `<header><a class="home" href="/">${ICON.replace('<svg ', '<svg aria-hidden="true" ')}<span>Omoi</span></a>`,
    `<a href="/docs">Documentation</a>${isAlone ? '' : '<a class="to-pages" href="#pages">All pages</a>'}</header>`,
    '<div class="columns">',
    ...(isAlone ? [] : [navigation(shelves, page)]),
    `<main id="content">${content}</main>`,
    '</div></body></html>',
    '',
  ].join('\n');
}

function navigation(shelves: readonly Shelf[], current: DocsPage | null): string {
  const parts = shelves.flatMap(({ title, pages }) => [
    `<h2>${title}</h2>`,
    '<ul>',
    ...pages.map((page) => {
      const mark = page.name === current?.name ? ' aria-current="page"' : '';
      return `<li><a href="/docs/${encodeURI(page.name)}"${mark}>${plainTitle(page)}</a></li>`;
    }),
    '</ul>',
  ]);
  return ['<nav id="pages" aria-label="Pages of the documentation">', ...parts, '</nav>'].join('\n');
}
