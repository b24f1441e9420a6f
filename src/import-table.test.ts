import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SOURCE = fileURLToPath(new URL('.', import.meta.url));

const EVERYTHING = 'everything';

/** Who may import whom: the house, folder by folder, in the order of the data. */
const MAY_IMPORT: Readonly<Record<string, readonly string[] | typeof EVERYTHING>> = {
  telemetry: [],
  storage: ['telemetry'],
  eventbus: ['telemetry', 'storage'],
  tsdb: ['telemetry'],
  promql: ['telemetry'],
  gotemplate: ['telemetry'],
  ingest: ['telemetry', 'storage', 'eventbus'],
  fleet: ['telemetry', 'storage', 'eventbus'],
  monitor: ['telemetry', 'storage', 'eventbus'],
  alerting: ['telemetry', 'storage', 'eventbus', 'promql', 'gotemplate'],
  notification: ['telemetry', 'storage', 'eventbus', 'gotemplate'],
  watchdog: ['telemetry', 'storage', 'eventbus'],
  observability: ['telemetry', 'storage', 'eventbus'],
  api: ['telemetry'],
  server: EVERYTHING,
  cli: EVERYTHING,
};

/** Folders whose types (and only types) the API may name: it serves them. */
const API_SERVES = [
  'storage',
  'eventbus',
  'tsdb',
  'promql',
  'ingest',
  'fleet',
  'monitor',
  'alerting',
  'notification',
  'watchdog',
  'observability',
];

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\sfrom\s+)?'([^']+)'/gm;

function listImports(): readonly Import[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('test-support'),
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(SOURCE, file), 'utf8');
    return [...text.matchAll(STATEMENT)].map((match) => ({
      file,
      folder: file.split(sep)[0] ?? '',
      specifier: match[2] ?? '',
      typeOnly: match[1] !== undefined,
    }));
  });
}

function refusal(found: Import): string | null {
  const allowed = MAY_IMPORT[found.folder];
  if (allowed === undefined) return 'stands in a folder that the table does not name';
  if (found.specifier.startsWith('.')) {
    const target = relative(SOURCE, join(SOURCE, found.file, '..', found.specifier)).split(sep)[0] ?? '';
    return target === found.folder ? null : `reaches into ${target} past its index`;
  }
  if (!found.specifier.startsWith('#') || allowed === EVERYTHING) return null;
  const target = found.specifier.slice(1);
  if (target === found.folder) return 'imports its own face; name the file';
  if (allowed.includes(target)) return null;
  if (found.folder === 'api' && found.typeOnly && API_SERVES.includes(target)) return null;
  return `may not import ${found.specifier}`;
}

/** The file that an import of ours names, or null where it is a package. */
function targetOf({ file, specifier }: Import): string | null {
  if (specifier.startsWith('#')) return join(specifier.slice(1), 'index.ts');
  return specifier.startsWith('.') ? join(file, '..', specifier) : null;
}

/** Files that need one another to be loaded first, each circle once; imports of types alone load nothing. */
function circlesOf(imports: readonly Import[]): readonly string[] {
  const targets = new Map<string, string[]>();
  for (const found of imports) {
    const target = found.typeOnly ? null : targetOf(found);
    if (target !== null) targets.set(found.file, [...(targets.get(found.file) ?? []), target]);
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start !== -1) circles.push([...path.slice(start), file].join(' → '));
    if (start !== -1 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}

describe('the names of the rooms', () => {
  const readJson = (name: string): unknown => JSON.parse(readFileSync(join(SOURCE, '..', name), 'utf8'));
  const { imports } = readJson('package.json') as {
    readonly imports: Readonly<Record<string, string>>;
  };

  it('are the same for Node and for editors', () => {
    const { compilerOptions } = readJson('tsconfig.json') as {
      readonly compilerOptions: { readonly paths: Readonly<Record<string, readonly string[]>> };
    };
    const sources = Object.entries(imports).map(([name, target]) => [name, [target]]);
    expect(compilerOptions.paths).toEqual(Object.fromEntries(sources));
  });

  it('name every folder but the command line', () => {
    const rooms = Object.keys(MAY_IMPORT).filter((folder) => folder !== 'cli');
    const expected = rooms.map((room) => [`#${room}`, `./src/${room}/index.ts`]);
    expect(imports).toEqual(Object.fromEntries(expected));
  });
});

describe('the import table', () => {
  const imports = listImports();

  it('sees the sources of every folder', () => {
    const folders = new Set(imports.map((found) => found.folder));
    expect([...folders].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
    expect(imports.length).toBeGreaterThan(300);
  });

  it('finds each package among those that the published one installs, or has built in', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(SOURCE, '../package.json'), 'utf8'),
    ) as {
      readonly dependencies: Readonly<Record<string, string>>;
      readonly devDependencies: Readonly<Record<string, string>>;
    };
    const known = { ...devDependencies, ...dependencies };
    const packages = imports
      .map(({ specifier }) => specifier)
      .filter((specifier) => !/^(?:[.#]|node:)/.test(specifier))
      .map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier);
    expect(packages).toContain('@omoi/agent');
    expect([...new Set(packages)].filter((name) => !(name in known))).toEqual([]);
  });

  it('has no circle', () => {
    const imported = (file: string, specifier: string, typeOnly = false): Import => {
      return { file, folder: 'a', specifier, typeOnly };
    };
    const round = [
      imported('a/x.ts', './y.ts'),
      imported('a/y.ts', '#b'),
      imported('b/index.ts', '../a/x.ts'),
    ];
    expect(circlesOf(round)).toEqual(['a/x.ts → a/y.ts → b/index.ts → a/x.ts']);
    expect(circlesOf([imported('a/x.ts', './y.ts'), imported('a/y.ts', './x.ts', true)])).toEqual([]);
    expect(circlesOf(imports)).toEqual([]);
  });

  it('holds for every import', () => {
    const broken = imports.flatMap((found) => {
      const reason = refusal(found);
      return reason === null ? [] : [`${found.file}: ${reason} ('${found.specifier}')`];
    });
    expect(broken).toEqual([]);
  });
});
