import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NO_FEATURES } from '#promql';
import { BLOCKS, readPage } from '../../documentation.test-support.ts';
import { fileLines, painter, sumLine } from './testing/report-text.ts';
import { testRuleFiles } from './testing/test-rule-files.ts';

const PAGE = 'docs/alerting/rules.md';
const begin = readPage(PAGE).split('## Unit tests of rules')[0]?.split('\n').length ?? 0;
const [rules = '', tests = '', output = ''] = BLOCKS.filter(
  ({ line, page }) => page === PAGE && line > begin,
).map(({ text }) => text);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-documented-test-'));
  writeFileSync(join(folder, 'queues_test.yml'), tests);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function outputWith(text: string): Promise<string> {
  writeFileSync(join(folder, 'queues.yml'), text);
  const reports = await testRuleFiles([join(folder, 'queues_test.yml')], { features: NO_FEATURES });
  const paint = painter(false);
  const lines = [...reports.flatMap((report) => fileLines(report, paint)), sumLine(reports, paint)];
  return `${lines.join('\n')}\n`.replaceAll(`${folder}/`, '').replace(/in \d+ ms/, 'in 8 ms');
}

it('the test in the documentation passes', async () => {
  expect(await outputWith(rules)).toBe(
    'queues_test.yml: passed: 1 test passed, 0 failed in 8 ms\n1 test passed, 0 failed\n',
  );
});

it('with another rule it says what the documentation says', async () => {
  expect(await outputWith(rules.replace('for: 5m', 'for: 10m'))).toBe(output);
});
