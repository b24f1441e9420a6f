import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configurationsIn, judge } from './alertmanager/verdicts.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CASES = join(
  process.env['OMOI_CONFORMANCE_DIR'] ?? join(REPOSITORY, '../shared/conformance'),
  'alertmanager',
);

describe.skipIf(!existsSync(CASES))(`configurations of Alertmanager, from ${CASES}`, () => {
  it.each(existsSync(CASES) ? configurationsIn(CASES) : [])(
    '%s gets Alertmanager’s verdict',
    async (file) => {
      expect(await judge(CASES, file)).toEqual({ file, problem: null });
    },
  );
});
