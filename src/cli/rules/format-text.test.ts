import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSeededRandom } from '#telemetry';
import { RuleFileGenerator } from '../../../tests/conformance/rules/random-rule-files.ts';
import { propertyRuns, propertySeed } from '../../../tests/property-runs.ts';
import { formatRuleText } from './format-text.ts';

const RULES = join(import.meta.dirname, '../../../config/alert_rules');

const WRITTEN = `# Who looks after it: ops.
groups:
- rules:
  # Why.
  - expr:   up   ==   0
    labels: {severity: "page", team: ops}
    alert: Down # here
    for: 60m
  - {record: 'job:up:sum', expr: "sum by(job)(up)"}
  - &a
    alert: Long
    expr: sum by (job) (rate(requests_total{job="api", status=~"5.."}[5m])) / sum by (job) (rate(requests_total{job="api"}[5m])) > 0.05
  - <<: *a
    labels: { severity: warning }
  - alert: Commented
    expr: |
      up == 0 # not there
  name: g
  interval: 90s
`;

describe('a formatted rule file', () => {
  it('has keys in their order, expressions and durations in one form, and keeps comments and anchors', () => {
    expect(formatRuleText({ name: 'f', text: WRITTEN })).toMatchInlineSnapshot(`
      "# Who looks after it: ops.
      groups:
        - name: g
          interval: 1m30s
          rules:
            # Why.
            - alert: Down # here
              expr: up == 0
              for: 1h
              labels:
                severity: "page"
                team: ops
            - record: 'job:up:sum'
              expr: sum by (job) (up)
            - &a
              alert: Long
              expr: |2-
                    sum by (job) (rate(requests_total{job="api",status=~"5.."}[5m]))
                  /
                    sum by (job) (rate(requests_total{job="api"}[5m]))
                >
                  0.05
            - <<: *a
              labels:
                severity: warning
            - alert: Commented
              expr: |
                up == 0 # not there
      "
    `);
  });

  it.each(readdirSync(RULES))('means the same, and stays as it is when it is formatted again: %s', (name) => {
    const formatted = formatRuleText({ name, text: readFileSync(join(RULES, name), 'utf8') });
    expect(formatRuleText({ name, text: formatted })).toBe(formatted);
  });

  it(`of any kind: formatted again it stays as it is, and none means something else, OMOI_SEED=${propertySeed}`, () => {
    const generator = new RuleFileGenerator(createSeededRandom(propertySeed));
    let good = 0;
    for (let at = 0; at < propertyRuns(400); at++) {
      const text = generator.file();
      let formatted: string;
      try {
        formatted = formatRuleText({ name: 'f', text });
      } catch (thrown) {
        expect(`${String(thrown)}\n${text}`).not.toContain('a fault of Omoi');
        continue;
      }
      good++;
      expect(formatRuleText({ name: 'f', text: formatted })).toBe(formatted);
    }
    expect(good).toBeGreaterThan(propertyRuns(400) / 4);
  });

  it('refuses what would be lost, and what is broken', () => {
    const several = 'groups: []\n---\ngroups: []\n';
    expect(() => formatRuleText({ name: 'f', text: several })).toThrow('f: it holds several documents');
    expect(() => formatRuleText({ name: 'f', text: 'groups: [' })).toThrow(/^f:1:/);
  });

  it('keeps the ends of lines', () => {
    const text = 'groups:\r\n- name: g\r\n  rules:\r\n  - expr: up\r\n    alert: A\r\n';
    const formatted = formatRuleText({ name: 'f', text });
    expect(formatted.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
  });
});
