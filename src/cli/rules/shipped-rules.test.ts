import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '#alerting';
import { NO_FEATURES } from '#promql';
import { SEVERITIES } from '#telemetry';
import type { AlertReport } from './testing/test-report.ts';
import { testRuleFiles } from './testing/test-rule-files.ts';

const ROOT = join(import.meta.dirname, '../../..');
const RULES = join(ROOT, 'config/alert_rules');
const TESTS = join(ROOT, 'config/alert_rule_tests');

const rules = readdirSync(RULES).flatMap((name) => {
  const source = { name, text: readFileSync(join(RULES, name), 'utf8') };
  return parseRuleFile(source, () => undefined).groups.flatMap((group) => group.rules);
});

/** What the unit tests of all packs look at, of each rule. */
async function casesByRule(): Promise<ReadonlyMap<string, readonly AlertReport[]>> {
  const files = readdirSync(TESTS).map((name) => join(TESTS, name));
  const reports = await testRuleFiles(files, { features: NO_FEATURES });
  expect(reports.flatMap(({ problems }) => problems)).toEqual([]);
  const cases = reports.flatMap(({ tests }) => tests.flatMap((test) => test.cases));
  expect(cases.filter(({ ok }) => !ok)).toEqual([]);
  return Map.groupBy(
    cases.filter((one) => one.kind === 'alert'),
    ({ alertname }) => alertname,
  );
}

describe('the shipped rules', () => {
  it('have a test each, in which they fire and in which they do not', async () => {
    const cases = await casesByRule();
    const untested = rules.filter(({ alert }) => {
      const of = cases.get(alert) ?? [];
      return !of.some(({ got }) => got.length > 0) || !of.some(({ got }) => got.length === 0);
    });
    expect(untested.map(({ alert }) => alert)).toEqual([]);
    expect(rules.length).toBeGreaterThan(30);
  });

  it.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s has a severity, and a runbook that is there',
    (name, rule) => {
      expect(SEVERITIES).toContain(rule.labels['severity']);
      expect(rule.annotations['summary']).toBeDefined();
      expect(rule.annotations['runbook_url']).toBe(`{{ $externalURL }}/runbooks/${name}`);
      const runbook = join(ROOT, `docs/runbooks/${name}.md`);
      expect(existsSync(runbook) && readFileSync(runbook, 'utf8').startsWith(`# ${name}\n`)).toBe(true);
    },
  );

  it('have no runbook too many', () => {
    const names = new Set(rules.map(({ alert }) => `${alert}.md`));
    expect(readdirSync(join(ROOT, 'docs/runbooks')).filter((name) => !names.has(name))).toEqual([]);
  });
});
