import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codeIn, FENCED, PAGES, readPage } from '../../../documentation.test-support.ts';
import { RUNBOOKS, SHELVES } from '../pages.ts';
import { escapeHtml } from './inline.ts';
import { parseMarkdown } from './parse.ts';
import { renderMarkdown } from './render.ts';

const OWN = PAGES.filter((page) => page.startsWith('docs/'));
const nameOf = (page: string): string => page.replace(/^docs\/|\.md$/g, '');

/** Tags of a page that nothing closes, or that close nothing. */
function unbalanced(html: string): readonly string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [tag, end, name = ''] of html.matchAll(/<(\/?)([a-z]\w*)[^>]*>/g)) {
    if (end === '') open.push(name);
    else if (open.pop() !== name) wrong.push(tag);
  }
  return [...open, ...wrong];
}

const anchorsOf = (page: string): readonly string[] =>
  parseMarkdown(readPage(page)).flatMap((block) => (block.kind === 'heading' ? [block.anchor] : []));

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

describe('the pages of the documentation as HTML', () => {
  it('stand each on one shelf', () => {
    // Runbooks have a shelf of their own, by name.
    const others = OWN.map(nameOf).filter((name) => !name.startsWith(RUNBOOKS));
    expect(SHELVES.flatMap(({ names }) => names).toSorted()).toEqual(others.toSorted());
  });

  it.each(OWN)(
    '%s has each heading, table, list and block of code, and no mark that was not understood',
    (page) => {
      const source = readPage(page);
      const prose = source.replace(FENCED, '');
      const html = renderMarkdown(source);
      expect(unbalanced(html)).toEqual([]);
      expect(count(html, /<h\d /g)).toBe(count(prose, /^#{1,6} /gm));
      expect(count(html, /<table>/g)).toBe(count(prose, /^\|(?: *-+ *\|)+$/gm));
      // Neither a rule nor a header without a word.
      expect(count(html, /<tr>/g)).toBe(count(prose, /^\|.*[^-|\s].*\|$/gm));
      expect(count(html, /<li>/g)).toBe(count(prose, /^ *(?:-|\d+\.) /gm));
      expect(count(html, /<pre /g)).toBe(count(source, /^```/gm) / 2 + count(prose, /\n\n {4}\S/g));
      const text = html.replace(/<pre .*?<\/pre>|<code>.*?<\/code>/gs, '').replace(/<[^>]+>/g, '');
      expect(text.match(/\]\(|\*\*|^#+ .*|^\|.*|`+|^- .*/gm) ?? []).toEqual([]);
    },
  );

  it.each(OWN)('%s has what stands between backticks as code', (page) => {
    const shown = new Set(
      [...renderMarkdown(readPage(page)).matchAll(/<code>(.*?)<\/code>/gs)].map(([, code = '']) => code),
    );
    // In a table a pipe is written with a backslash.
    const written = codeIn(page).map((code) => escapeHtml(code.replaceAll('\\|', '|')));
    expect(written.filter((code) => !shown.has(code))).toEqual([]);
  });

  it.each(OWN)('%s leads to pages and places that there are', (page) => {
    const targets: string[] = [];
    renderMarkdown(readPage(page), (target) => {
      targets.push(target);
      return target;
    });
    const dead = targets
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', place] = target.split('#');
        const to = path === '' ? page : posix.join(posix.dirname(page), path);
        return !OWN.includes(to) || (place !== undefined && !anchorsOf(to).includes(place));
      });
    expect(dead).toEqual([]);
    expect(targets.length).toBeGreaterThanOrEqual(count(readPage(page).replace(FENCED, ''), /\]\([^)]+\)/g));
  });
});
