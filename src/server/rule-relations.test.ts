import { describe, expect, it } from 'vitest';
import { createSystemClock } from '#telemetry';
import type { RuleRelationParts } from './rule-relations.ts';
import { ruleRelations } from './rule-relations.ts';
import { createEngine, parseMatcher } from '#promql';
import { PolicyRegistry } from '#watchdog';
import { ANONYMOUS_SENDER, OMOI_SENDER, type Labels } from '#telemetry';
import { parseRuleFile } from '#alerting';

type Loaded = NonNullable<ReturnType<RuleRelationParts['alerting']['rules']['states']['get']>>['definition'];

const clock = createSystemClock();
const engine = createEngine({ clock });
const RULES = `groups:
  - name: g
    rules:
      - { record: 'job:up:sum', expr: sum by (job) (up) , labels: { team: a } }
      - { alert: Down, expr: 'job:up:sum{team="a"} == 0', labels: { severity: error, agent_id: '{{ $labels.job }}' } }
      - { alert: Other, expr: 'job:up:sum{team="b"} == 0' }
      - { alert: Meta, expr: 'ALERTS{alertname="Down"} == 1' }
`;

/** The rules as they are loaded, as far as relations look at them. */
function statesOf(text: string): ReadonlyMap<string, { readonly definition: Loaded }> {
  const [group] = parseRuleFile({ name: 'r.yml', text }, () => undefined).groups;
  return new Map(
    (group?.rules ?? []).map((rule) => {
      const name = rule.alert || rule.record;
      const query = engine.prepare(rule.expr);
      const labels = new Map(Object.entries(rule.labels).map(([key, value]) => [key, { text: value }]));
      const definition = {
        rule: {
          kind: rule.alert === '' ? 'recording' : 'alerting',
          key: `g/${name}`,
          id: `g/${name}`,
          name,
          expr: rule.expr,
          labels: rule.alert === '' ? rule.labels : labels,
        },
        query: {
          selectors: query.selectors.map(({ matchers }) => matchers),
          comparison: query.comparison?.operator ?? null,
          threshold: query.comparison?.threshold ?? null,
          reachMs: query.reachMs,
        },
      };
      return [`g/${name}`, { definition: definition as unknown as Loaded }];
    }),
  );
}

function policies() {
  const registry = new PolicyRegistry(null, parseMatcher);
  const step =
    'steps: [{ action: restart, verify: { within: 30s } }]\ntarget: { kind: agent, label: agent_id }\n';
  const files = [
    ['down', 'alertname="Down"'],
    ['severe', 'severity=~"error|critical"'],
    ['agents', 'agent_id="w-1"'],
    ['warnings', 'severity="warning"'],
  ].map(([name, match]) => ({ name: `${name}.yaml`, text: `name: ${name}\nmatch: ['${match}']\n${step}` }));
  return { registry, files };
}

async function relations(senders: ReadonlySet<string> = new Set([OMOI_SENDER])) {
  const states = statesOf(RULES);
  const { registry, files } = policies();
  await registry.load(files, clock);
  const series: Labels[] = [{ __name__: 'job:up:sum', job: 'a', team: 'a' }];
  return ruleRelations({
    alerting: { rules: { states } } as unknown as RuleRelationParts['alerting'],
    senders: { ofRule: () => senders },
    store: {
      lookUpSeries: () => Promise.resolve({ items: series, isTruncated: false }),
      findSeries: () => 7,
      newestMs: () => 1000,
    },
    watchdog: { policies: registry },
    clock,
  });
}

describe('what a rule stands on, and what stands on it', () => {
  it('names selectors, rules and policies', async () => {
    const found = await (await relations())('g/Down');
    expect(found).toMatchObject({
      comparison: '==',
      threshold: 0,
      valueQuery: 'job:up:sum{team="a"}',
      reads: [{ selector: 'job:up:sum{team="a"}', series: 1, isCut: false, newestSampleMs: 1000 }],
      senders: { names: [OMOI_SENDER], count: 1, isAnonymous: false },
      recordedBy: [{ id: 'g/job:up:sum' }],
      readBy: [{ id: 'g/Meta' }],
    });
    // A label that a template gives may be anything; one that is written is what it says.
    expect(found?.policies.map(({ name }) => name)).toEqual(['down', 'severe', 'agents']);
  });

  it('a rule of another label reads nothing of it', async () => {
    const of = await relations();
    expect((await of('g/Other'))?.recordedBy).toEqual([]);
    expect((await of('g/job:up:sum'))?.readBy).toEqual([{ key: 'g/Down', id: 'g/Down' }]);
    expect(await of('nobody')).toBeNull();
  });

  it('says where somebody sends without a token', async () => {
    const found = await (await relations(new Set([ANONYMOUS_SENDER, 'token:x'])))('g/Down');
    expect(found?.senders).toEqual({ names: ['token:x'], count: 2, isCut: false, isAnonymous: true });
  });
});
