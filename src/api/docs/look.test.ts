import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COLOURS, DOCS_HEADERS, ICON, STYLE } from './look.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe('the look of the documentation', () => {
  it('has the colours of the dashboard', () => {
    const styles = read('dashboard/src/styles.css');
    for (const [name, [light, dark]] of Object.entries(COLOURS)) {
      expect(styles).toContain(`${name}: light-dark(${light}, ${dark});`);
    }
    const own = new Set(Object.values(COLOURS).flat());
    const others = (STYLE.match(/#[\da-f]{6}\b/g) ?? []).filter((colour) => !own.has(colour));
    // What has the focus is framed as there; what a link led to is marked, in light and dark alike.
    expect([...new Set(others)]).toEqual(['#037f6e', '#e8a200']);
    expect(read('dashboard/src/theme.ts')).toContain("'#037f6e'");
  });

  it('names no colour that it has not', () => {
    const named = [...STYLE.matchAll(/var\((--[\w-]+)\)/g)].map(([, name = '']) => name);
    expect(named.filter((name) => !(name in COLOURS))).toEqual([]);
  });

  it('has the icon of the dashboard', () => {
    const [, icon = ''] = /href="data:image\/svg\+xml,([^"]+)"/.exec(read('dashboard/index.html')) ?? [];
    expect(decodeURIComponent(icon)).toBe(ICON);
  });

  it('is all that its pages may load', () => {
    const policy = DOCS_HEADERS['content-security-policy'];
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/unsafe|script-src/);
    const hash = createHash('sha256').update(STYLE).digest('base64');
    expect(policy).toContain(`style-src 'sha256-${hash}';`);
  });
});
