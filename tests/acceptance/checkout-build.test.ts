import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { version: string };

/** A checkout of its own as to what is built; its sources and packages are those of this one. */
let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'omoi-checkout-'));
  for (const name of ['bin', 'scripts', 'package.json', 'package-lock.json']) {
    cpSync(join(CHECKOUT, name), join(checkout, name), { recursive: true, preserveTimestamps: true });
  }
  for (const name of ['src', 'agent']) symlinkSync(join(CHECKOUT, name), join(checkout, name));
  mkdirSync(join(checkout, 'node_modules'));
  for (const name of readdirSync(join(CHECKOUT, 'node_modules'))) {
    symlinkSync(join(CHECKOUT, 'node_modules', name), join(checkout, 'node_modules', name));
  }
});
afterEach(() => rmSync(checkout, { recursive: true }));

function omoiVersion() {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(checkout, 'bin/omoi'), '--version'], {
    encoding: 'utf8',
  });
  return { status, version: stdout.trim(), stderr };
}

it.each<[why: string, prevent: () => void]>([
  ['nothing can be written', () => writeFileSync(join(checkout, 'dist'), 'no directory')],
  ['what builds is not installed', () => rmSync(join(checkout, 'node_modules/vite'))],
])('runs the sources of a checkout where %s', (_why, prevent) => {
  prevent();
  const ran = omoiVersion();
  expect(ran).toMatchObject({ status: 0, version });
  expect(ran.stderr).toContain('omoi: the server could not be built');
  expect(ran.stderr).toContain('Its sources run instead');
  // Nothing half done is left over.
  const built = join(checkout, 'dist');
  expect(statSync(built).isDirectory() ? readdirSync(built) : []).toEqual([]);
});

it('publishes no build of a checkout', () => {
  mkdirSync(join(checkout, 'dist/checkout-0123456789abcdef'), { recursive: true });
  writeFileSync(join(checkout, 'dist/checkout-0123456789abcdef/main.js'), '');
  mkdirSync(join(checkout, 'dist/omoi'));
  writeFileSync(join(checkout, 'dist/omoi/main.js'), '');
  const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  const [packed] = JSON.parse(listing) as { files: { path: string }[] }[];
  const published = packed?.files.map(({ path }) => path).filter((path) => path.startsWith('dist/'));
  expect(published).toEqual(['dist/omoi/main.js']);
});
