import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortenedHtml, shortenedMarkdown } from './shortened-markup.ts';

const roomy = { maxVisible: 10, maxWritten: 1_000 };

describe('shortenedHtml', () => {
  it.each([
    ['', ''],
    ['0123456789', '0123456789'],
    ['0123456789a', '012345678…'],
    ['<b>0123456789</b>', '<b>0123456789</b>'],
    ['<b>0123456789a</b>', '<b>012345678…</b>'],
    ['<b>01<i>23456789a</i></b>', '<b>01<i>2345678…</i></b>'],
    [
      '<a href="https://example.org/a?b&amp;c">0123456789</a>',
      '<a href="https://example.org/a?b&amp;c">0123456789</a>',
    ],
    ['01234567&amp;9', '01234567&amp;9'],
    ['01234567&amp;9a', '01234567&amp;…'],
    ['012345678&amp;a', '012345678…'],
    ['0123456789<b>x</b>', '012345678…'],
    ['a < b & c and more', 'a < b & c…'],
    ['01234567😀9', '01234567…'],
  ])('cuts %j to %j', (html, expected) => {
    expect(shortenedHtml(html, roomy)).toBe(expected);
  });

  it('counts what is written, with the tags that it closes', () => {
    const html = `<b>${'ä'.repeat(50)}</b>`;
    const cut = shortenedHtml(html, { maxVisible: 1_000, maxWritten: 40 });
    expect(cut).toBe(`<b>${'ä'.repeat(32)}…</b>`);
    expect(cut).toHaveLength(40);
  });

  it('closes what it opens, and cuts no entity, wherever it cuts', () => {
    const part = fc.oneof(
      fc.constantFrom('&lt;', '&amp;', '&#39;', 'text', ' ', '😀', 'ä'),
      fc.constantFrom('b', 'i', 'a').map((tag) => `<${tag}>in ${tag} &amp; out</${tag}>`),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 30 }), fc.integer({ min: 1, max: 60 }), (parts, maxVisible) => {
        const cut = shortenedHtml(parts.join(''), { maxVisible, maxWritten: 10_000 });
        for (const tag of ['b', 'i', 'a']) {
          expect(cut.split(`<${tag}>`).length).toBe(cut.split(`</${tag}>`).length);
        }
        const visible = cut.replaceAll(/<[^>]*>/g, '').replaceAll(/&[#\w]+;/g, '.');
        expect(visible).not.toContain('&');
        expect(visible.length).toBeLessThanOrEqual(maxVisible);
      }),
    );
  });
});

describe('shortenedMarkdown', () => {
  it.each([
    ['short', 10, 'short'],
    ['plain text that is too long', 10, 'plain tex…'],
    ['a *bold* and then some', 10, 'a *bold* …'],
    ['012 *bold at the cut*', 10, null],
    ['012345 *bold at the cut*', 10, '012345 …'],
    ['012345 `*` is code and', 12, '012345 `*` …'],
    ['012345 [text](https://example.org)', 12, '012345 …'],
    ['01234567\\.9 and more', 10, '01234567…'],
    ['*everything is bold and long*', 12, null],
  ])('cuts %j to %i characters', (text, most, expected) => {
    expect(shortenedMarkdown(text, most, 'MarkdownV2')).toBe(expected);
  });

  it('knows no strike-through in the older dialect', () => {
    expect(shortenedMarkdown('01 ~ 3456 and more', 10, 'Markdown')).toBe('01 ~ 3456…');
  });
});
