import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAnchors } from './api/docs/markdown/anchors.ts';
import { codeIn, FENCED, PAGES, readPage, ROOT } from './documentation.test-support.ts';

function sourcesBelow(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(?:ts|tsx|mjs|yaml|json)$/.test(file) && !/node_modules|\bdist\b/.test(file))
    .map((file) => join(folder, file));
}

const foldersOf = (path: string): readonly string[] =>
  readdirSync(join(ROOT, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'testdata')
    .map(({ name }) => name);

const FILES = ['src', 'agent', 'bench', 'config', 'dashboard', 'examples', 'scripts', 'tests']
  .flatMap(sourcesBelow)
  .filter((file) => !file.startsWith('src/documentation.'));
const SOURCES = FILES.map((file) => readFileSync(join(ROOT, file), 'utf8'));

describe('the links of the documentation', () => {
  const anchorsOf = (page: string): readonly string[] => {
    const anchorOf = createAnchors();
    return [...readPage(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
  };

  it.each(PAGES)('%s leads somewhere', (page) => {
    const links = [
      ...readPage(page)
        .replace(FENCED, '')
        .matchAll(/\]\((?!https?:)([^)\s]+)\)/g),
    ];
    const dead = links.flatMap(([, target = '']) => {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, file))) return [target];
      return anchor === undefined || anchorsOf(file).includes(anchor) ? [] : [target];
    });
    expect(dead).toEqual([]);
  });
});

describe('what the documentation names', () => {
  /** What others have named: a field of OTLP, and a function of Prometheus. */
  const OF_OTHERS = ['partial_success', 'time_unix_nano', 'rangeEvalTimestampFunctionOverVectorSelector'];
  const words = new Set(
    [...FILES, ...SOURCES].flatMap((text) => text.match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? []),
  );
  const isKnown = (name: string): boolean => words.has(name) || OF_OTHERS.includes(name);
  /** The files that a page has its reader write: each is named before the block that it is. */
  const writtenBy = (page: string): readonly string[] =>
    [...readPage(page).matchAll(/`([\w./-]+)`:\n+```\w/g)].map(([, file = '']) => file);

  it.each(PAGES)('%s: keys, codes, metrics, limits and variables are in the sources', (page) => {
    const names = codeIn(page).flatMap(
      (code) => code.match(/\b(?:[a-z]+|OMOI|OTEL)(?:_[A-Za-z0-9]+)+\b|\b[a-z]+[A-Z]\w+\b/g) ?? [],
    );
    const own = writtenBy(page);
    const isOwn = (name: string): boolean => own.some((file) => file.includes(name));
    expect([...new Set(names)].filter((name) => !isKnown(name) && !isOwn(name))).toEqual([]);
  });

  const FILE = /^(?:[\w.<>-]+\/)+[\w.-]*$/;
  /** What a start makes: on a fresh clone it is not there yet. */
  const isBuilt = (file: string): boolean => file.startsWith('dist/');

  it.each(PAGES)('%s: files and folders are there', (page) => {
    const files = codeIn(page).filter(
      (code) => FILE.test(code) && /\.(?:ts|mjs|md|ya?ml|json|png)$|\/$/.test(code),
    );
    const own = writtenBy(page);
    const missing = files.filter((file) => {
      if (/[A-Z]{2,}|</.test(file) || own.includes(file) || isBuilt(file)) return false;
      return !['', 'src', dirname(page)].some((folder) => existsSync(join(ROOT, folder, file)));
    });
    expect(missing).toEqual([]);
  });

  it.each(PAGES)('%s: routes are served', (page) => {
    const served = new Set(codeIn('docs/access.md').map((route) => route.replace(/:\w+/g, ':_')));
    const named = codeIn(page)
      .filter((code) => /^(?:GET|POST|PUT|PATCH|DELETE) \/[^…]*$/.test(code))
      .map((route) => route.replace(/\?.*/, '').replace(/\{\w+\}|:\w+|\b[A-Z]+_ID\b/g, ':_'));
    expect(named.filter((route) => !served.has(route))).toEqual([]);
  });
});

describe('Omoi’s own metrics', () => {
  const REGISTERED = /(?:counter|gauge|histogram)\(\s*'(omoi_\w+)'/g;

  it('are each documented', () => {
    const registered = FILES.filter((file) => file.startsWith('src/') && !file.includes('test'))
      .flatMap((file) => [...readFileSync(join(ROOT, file), 'utf8').matchAll(REGISTERED)])
      .map(([, name = '']) => name);
    const documented = new Set(PAGES.flatMap(codeIn).flatMap((code) => code.match(/omoi_\w+/g) ?? []));
    expect(registered.length).toBeGreaterThan(50);
    expect([...new Set(registered)].filter((name) => !documented.has(name)).sort()).toEqual([]);
  });
});

describe('ARCHITECTURE.md', () => {
  const page = readPage('ARCHITECTURE.md');
  const sectionOf = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';

  it.each(['package.json', 'agent/package.json', 'dashboard/package.json'])(
    'gives a reason for each dependency of %s',
    (file) => {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(
        readFileSync(join(ROOT, file), 'utf8'),
      ) as {
        dependencies?: Readonly<Record<string, string>>;
        devDependencies?: Readonly<Record<string, string>>;
      };
      const named = new Set(sectionOf('Dependencies').match(/[@\w./-]+/g));
      const unnamed = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !named.has(name));
      expect(unnamed).toEqual([]);
    },
  );

  it('names every room of the house, and no other', () => {
    const [, house = ''] = /```\nsrc\/\n(.*?)^```/ms.exec(sectionOf('The house')) ?? [];
    const rooms = [...house.matchAll(/^ {2}([a-z]+)\/ /gm)].map(([, room = '']) => room);
    expect(rooms.toSorted()).toEqual(foldersOf('src').toSorted());
  });

  // Those of the API are its resources.
  it.each(foldersOf('src').filter((room) => room !== 'api'))('names each folder of src/%s', (room) => {
    const [, told = ''] =
      new RegExp(`^ {2}${room}/ +(.*?)^(?: {2})?[a-z]`, 'ms').exec(sectionOf('The house')) ?? [];
    const unnamed = foldersOf(join('src', room)).filter((name) => !told.includes(`${name}/`));
    expect(unnamed).toEqual([]);
  });
});
