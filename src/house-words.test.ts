import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PLACES = ['src', 'agent/src', 'dashboard/src', 'bench', 'tests'];

/** Words that said nothing to newcomers, or meant several things; the field has better ones. */
const REPLACED = [
  'Book',
  'Journal',
  'Conduct',
  'Standings?',
  'Desk',
  'Course',
  'Board',
  'Wish',
  'Complaint',
  'StrikeOff',
  'Subsiding',
];

const DECLARATION = new RegExp(
  String.raw`\b(?:class|interface|type|enum|function)\s+(\w*(?:${REPLACED.join('|')}))\b`,
  'g',
);

function declared(text: string): readonly string[] {
  return [...text.matchAll(DECLARATION)].map(([, name]) => name ?? '');
}

describe('what is declared', () => {
  const files = PLACES.flatMap((place) =>
    readdirSync(join(ROOT, place), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
      .map((file) => join(place, file))
      .filter((file) => file !== 'src/house-words.test.ts'),
  );

  it.each([
    ['export class AlertBook {', ['AlertBook']],
    ['type Standing =', ['Standing']],
    ['function subsidingOf() {} class Dashboard {} interface Runbook {}', []],
  ])('%s: %j', (text, names) => {
    expect(declared(text)).toEqual(names);
  });

  it('has none of the names that were replaced', () => {
    expect(files.length).toBeGreaterThan(1500);
    const found = files.flatMap((file) =>
      declared(readFileSync(join(ROOT, file), 'utf8')).map((name) => `${file}: ${name}`),
    );
    expect(found).toEqual([]);
  });
});
