import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Names that the history, the rules and those who raise alerts agree on. */
export const PROBE_POLICY = 'bench_probe';
export const HOLD_POLICY = 'bench_hold';
export const RESTART_POLICY = 'bench_restart';
export const METRICS = {
  probe: 'bench_probe_trouble',
  burning: 'bench_burning',
  pending: 'bench_pending',
  held: 'bench_held',
  restart: 'bench_restart_wanted',
} as const;
export const ALERTS = {
  probe: 'BenchProbe',
  burning: 'BenchBurning',
  pending: 'BenchPending',
  held: 'BenchHeld',
  restart: 'BenchRestartWanted',
} as const;
/** Metrics that nothing is wrong with, ten series each: what most rules look at. */
export const BACKGROUND_METRICS = 100;
export const BACKGROUND_SERIES = 10;
export const backgroundMetric = (number: number): string => `bench_background_${number}`;

const SHIPPED_RULES = fileURLToPath(new URL('../../config/alert_rules', import.meta.url));
const SHIPPED_POLICIES = fileURLToPath(new URL('../../config/watchdog_policies', import.meta.url));

const INCIDENT_RULES = `
groups:
  - name: bench
    interval: 15s
    rules:
      - alert: ${ALERTS.probe}
        expr: ${METRICS.probe} > 0
        labels: { severity: error }
      - alert: ${ALERTS.burning}
        expr: ${METRICS.burning} > 0
        labels: { severity: error }
        annotations: { summary: '{{ $labels.unit }} burns ({{ $value }})' }
      - alert: ${ALERTS.pending}
        expr: ${METRICS.pending} > 0
        for: 1h
        labels: { severity: warning }
      - alert: ${ALERTS.held}
        expr: ${METRICS.held} > 0
        labels: { severity: error }
      - alert: ${ALERTS.restart}
        expr: ${METRICS.restart} > 0
        labels: { severity: critical }
`;

/** Each alert is one of its own here: none is a relapse of the one before. */
const POLICIES: Readonly<Record<string, string>> = {
  [PROBE_POLICY]: `
match: ['alertname="${ALERTS.probe}"']
mode: act
target: { kind: pool, label: pool }
steps: [{ action: scale, add: 1, ttl: 2m, release_after: 1s, verify: { within: 1s } }]
relapse_window: 1ms
guards: { cooldown: 0s, max_parallel: 1000, max_starts: 100000, window: 1s }
`,
  // One runs for an hour; the others are held back by it, by their pool or by the number that may run.
  [HOLD_POLICY]: `
match: ['alertname="${ALERTS.held}"']
mode: act
target: { kind: pool, label: pool }
steps: [{ action: scale, add: 1, ttl: 2m, release_after: 1s, verify: { within: 1h } }]
relapse_window: 1ms
guards: { cooldown: 0s, max_parallel: 1, max_starts: 100000, window: 1s }
`,
  [RESTART_POLICY]: `
match: ['alertname="${ALERTS.restart}"']
mode: act
target: { kind: agent, label: agent_id }
steps: [{ action: restart, verify: { within: 1s } }]
relapse_window: 1ms
guards: { cooldown: 0s, max_parallel: 1000, max_starts: 100000, window: 1s, spare_healthy: false }
`,
};

/** Writes rules (those that Omoi ships, those of the bench, and others up to `count`) and policies. */
export function writeRuleFiles(
  directory: string,
  count: number,
): { readonly rules: string; readonly policies: string } {
  const rules = join(directory, 'rules');
  const policies = join(directory, 'policies');
  cpSync(SHIPPED_RULES, rules, { recursive: true });
  cpSync(SHIPPED_POLICIES, policies, { recursive: true });
  mkdirSync(rules, { recursive: true });
  writeFileSync(join(rules, 'bench.yaml'), INCIDENT_RULES);
  const others = Array.from({ length: count }, (_, number) => backgroundRule(number)).join('');
  writeFileSync(
    join(rules, 'background.yaml'),
    `groups:\n  - name: background\n    interval: 15s\n    rules:\n${others}`,
  );
  for (const [name, policy] of Object.entries(POLICIES)) {
    writeFileSync(join(policies, `${name}.yaml`), `name: ${name}${policy}`);
  }
  return { rules, policies };
}

/** Every other one records; none ever fires. */
function backgroundRule(number: number): string {
  const metric = backgroundMetric(number % BACKGROUND_METRICS);
  return number % 2 === 0
    ? `      - alert: Background${number}\n        expr: sum by (zone) (${metric}) > 1e9\n        for: 1m\n`
    : `      - record: background:${metric}:max\n        expr: max(${metric})\n`;
}
