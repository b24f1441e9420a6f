import { parseMatcher } from '#promql';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GUARDS, parseStrictDocument, SelfMetrics } from '#telemetry';
import { z } from 'zod';
import { DEFAULT_ACTION_LIMITS } from '../actions/action-limits.ts';
import { DEFAULT_STORM_LIMITS } from '../guards/storm.ts';
import { DEFAULT_MAX_OPEN_REMEDIATIONS } from '../remediations/planner.ts';
import { DEFAULT_SUSPICION_LIMITS } from '../self-suspicion.ts';
import { createWatchdogCounters } from '../watchdog-counters.ts';
import { createPolicySchema } from './policy.ts';

const policySchema = createPolicySchema(parseMatcher);

const PAGE = readFileSync(new URL('../../../docs/watchdog/policies.md', import.meta.url), 'utf8');
const SHIPPED = new URL('../../../config/watchdog_policies/', import.meta.url);

/** The rows of the table under a heading: each a list of cells. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const [, after = ''] = PAGE.split(`\n${heading}\n`);
  const [section = ''] = after.split(/\n##+ /);
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
}

/** `guards.cooldown`, `steps.add`: every key that may stand in a policy. */
function keysOf(schema: JsonSchema, prefix = ''): readonly string[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const inner = keysOf(value, `${path}.`);
    // A key that only holds others is described by them; a list is described itself, too.
    return inner.length === 0 || value.items ? [path, ...inner] : inner;
  });
  const parts = [...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])];
  return [...new Set([...own, ...parts.flatMap((part) => keysOf(part, prefix))])];
}

const MINIMAL = `
name: p
match: ['alertname="X"']
target: { kind: agent }
steps: [{ action: restart }]
`;

describe('docs/watchdog/policies.md', () => {
  it('lists every key of a policy, and no other', () => {
    // JSON Schema is what zod makes of it; only the parts above are read.
    const schema = z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
    const listed = tableUnder('## Keys').map(([key = '']) => key);
    expect(listed.toSorted()).toEqual([...keysOf(schema)].toSorted());
  });

  it('gives the defaults as they are', () => {
    const defaults = new Map(tableUnder('## Keys').map(([key = '', value = '']) => [key, value]));
    const parse = (text: string) =>
      parseStrictDocument({ name: 'p.yaml', text }, policySchema, 'policy_file_invalid');
    const bare = parse(MINIMAL);
    const written = (['cooldown', 'max_parallel', 'max_starts', 'window', 'spare_healthy'] as const).map(
      (key) => `${key}: ${defaults.get(`guards.${key}`)}`,
    );
    const spelled = parse(`
name: p
match: ['alertname="X"']
mode: ${defaults.get('mode')}
target: { kind: agent, label: ${defaults.get('target.label')?.split(' ')[0]} }
steps: [{ action: restart, verify: { within: ${defaults.get('steps.verify.within')} } }]
guards: { ${written.join(', ')} }
guardian: ${defaults.get('guardian')}
`);
    expect(JSON.stringify(spelled)).toBe(JSON.stringify(bare));
    const pool = MINIMAL.replace('kind: agent', 'kind: pool, pool: x');
    const scale = (more: string) =>
      parse(pool.replace('{ action: restart }', `{ action: scale, add: 1${more} }`)).steps;
    expect(
      scale(`, ttl: ${defaults.get('steps.ttl')}, release_after: ${defaults.get('steps.release_after')}`),
    ).toEqual(scale(''));
  });

  it('names the guards in the order in which they are asked', () => {
    expect(tableUnder('## Guards').map(([guard]) => guard)).toEqual([...GUARDS]);
    expect(DEFAULT_SUSPICION_LIMITS.holdMs).toBe(15_000);
    expect(DEFAULT_STORM_LIMITS).toEqual({
      enterShare: 0.5,
      enterShareOfMany: 0.2,
      manySilent: 10,
      minSilent: 3,
      withinMs: 30_000,
      leaveShare: 0.2,
      calmMs: 30_000,
      settledMs: 120_000,
    });
  });

  it('gives the limits as they are', () => {
    const { maxAttempts, timeLimitMs, minRetryDelayMs, maxRetryDelayMs } = DEFAULT_ACTION_LIMITS;
    expect(tableUnder('## The life of a remediation').map(([, value]) => value?.split(',')[0])).toEqual([
      `${timeLimitMs / 1000} s`,
      `${maxAttempts}`,
      `${minRetryDelayMs / 1000} s`,
      `${DEFAULT_MAX_OPEN_REMEDIATIONS}`,
    ]);
    expect(PAGE).toContain(`doubled each time up to ${maxRetryDelayMs / 1000} s`);
  });

  it('names the metrics', () => {
    const metrics = new SelfMetrics();
    createWatchdogCounters(metrics);
    const listed = tableUnder('## Metrics').map(([name = '']) => name.replace(/\{.*/, ''));
    const counters = metrics.collect().map((metric) => metric.name);
    expect(listed.toSorted()).toEqual([...counters, 'omoi_watchdog_open_remediations'].toSorted());
  });

  it('shows a policy that loads', () => {
    const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(PAGE) ?? [];
    expect(
      parseStrictDocument({ name: 'example.yaml', text }, policySchema, 'policy_file_invalid').name,
    ).toBe('restart_unresponsive_agent');
  });
});

describe('a shipped policy', () => {
  it.each(readdirSync(SHIPPED))('only observes, and is valid: %s', (name) => {
    const text = readFileSync(new URL(name, SHIPPED), 'utf8');
    const policy = parseStrictDocument({ name, text }, policySchema, 'policy_file_invalid');
    expect(policy.mode).toBe('observe');
    expect(`${policy.name}.yaml`).toBe(name);
  });
});
