import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** What is written for people, from the repository’s root. */
export const PAGES: readonly string[] = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'agent/README.md',
  'bench/README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
].filter((page) => existsSync(join(ROOT, page)));

export interface DocumentedBlock {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

export const FENCED = /^```(\w*)\n(.*?)^```$/gms;

function blocksOf(page: string): readonly DocumentedBlock[] {
  const content = readPage(page);
  return [...content.matchAll(FENCED)].map((match) => ({
    page,
    line: content.slice(0, match.index).split('\n').length,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

/** What stands between fences. */
export const BLOCKS: readonly DocumentedBlock[] = PAGES.flatMap(blocksOf);

export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** What stands between backticks in the text of a page. */
export function codeIn(page: string): readonly string[] {
  return [
    ...readPage(page)
      .replace(FENCED, '')
      .matchAll(/`([^`]+)`/g),
  ].map(([, code = '']) => code.replace(/\s+/g, ' '));
}
