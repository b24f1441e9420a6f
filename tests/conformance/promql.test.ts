import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript } from './promql/script-runner.ts';

const shared =
  process.env['OMOI_CONFORMANCE_DIR'] ?? resolve(import.meta.dirname, '../../../shared/conformance');
/** What of the experimental language is built. */
const BUILT = [
  'duration_expression.test',
  'extended_vectors.test',
  'fill-modifier.test',
  'info.test',
  'start_timestamps.test',
  'type_and_unit.test',
];
const folders: readonly {
  readonly name: string;
  readonly path: string;
  readonly only?: readonly string[];
}[] = [
  { name: 'our own scripts', path: resolve(import.meta.dirname, '../../src/promql/testdata') },
  { name: 'the scripts of Prometheus', path: join(shared, 'promql') },
  { name: 'the experimental ones', path: join(shared, 'promql/experimental'), only: BUILT },
];

describe.each(folders)('PromQL: $name', ({ path, only }) => {
  const isMeant = (name: string): boolean => name.endsWith('.test') && (only?.includes(name) ?? true);
  const scripts = existsSync(path) ? readdirSync(path).filter(isMeant) : [];
  if (scripts.length === 0) {
    const missing = `${path} is missing: set OMOI_CONFORMANCE_DIR to the folder that holds promql/*.test`;
    if (process.env['CI'] === 'true') it('finds scripts', () => expect.fail(missing));
    else it.skip(missing);
    return;
  }
  it.each(scripts)('%s', async (name) => {
    const { passed, failures } = await runScript(readFileSync(join(path, name), 'utf8'));
    expect(failures.map(({ line, query, problem }) => `${name}:${line}: ${query}: ${problem}`)).toEqual([]);
    expect(passed).toBeGreaterThan(0);
  });
});
