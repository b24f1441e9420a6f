import { createEngine, openPoints } from '#promql';
import { unpaced, VirtualClock, type Labels } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '../rules/rule-file.ts';
import { buildRuleGroups } from '../rules/rule-set.ts';
import { MemorySeries } from './memory-series.ts';
import { OfflineRules } from './offline-rules.ts';

const MINUTE_MS = 60_000;

/** Rules that are evaluated each minute; inputs have a point a minute. */
function stageOf(rules: string, inputs: Readonly<Record<string, string>>) {
  const clock = new VirtualClock();
  const engine = createEngine({ clock });
  const samples = new MemorySeries();
  for (const [name, values] of Object.entries(inputs)) {
    samples.addInput({ __name__: name }, openPoints(values), { startMs: 0, stepMs: MINUTE_MS });
  }
  const text = `groups: [{name: g, rules: [${rules}]}]`;
  const file = parseRuleFile({ name: 'rules.yml', text }, (expr) => engine.prepare(expr));
  const externalLabels: Labels = { region: 'eu' };
  const settings = { engine, samples, clock, externalLabels, externalUrl: 'http://omoi' };
  const offline = new OfflineRules(unpaced(buildRuleGroups([file])), settings);
  return {
    offline,
    evaluate(minute: number) {
      samples.readUntil(minute * MINUTE_MS);
      return offline.evaluate(minute * MINUTE_MS);
    },
  };
}

describe('the states of an alert, minute by minute', () => {
  it.each([
    ['for: 0s', '1 1 0 1', 'firing firing - firing'],
    ['for: 2m', '1 1 1 0 1 1 1', 'pending pending firing - pending pending firing'],
    ['keep_firing_for: 2m', '1 0 0 0 1', 'firing firing firing - firing'],
    ['for: 1m, keep_firing_for: 1m', '1 1 0 1 0 0', 'pending firing firing firing firing -'],
    ['for: 0s', '1 _ _ _ _ _ _', 'firing firing firing firing firing - -'],
    ['for: 0s', '1 stale 1', 'firing - firing'],
  ])('%s over %s', (keys, values, expected) => {
    const stage = stageOf(`{alert: A, expr: m == 1, ${keys}}`, { m: values });
    const states = expected.split(' ').map((_, minute) => {
      expect(stage.evaluate(minute)).toEqual([]);
      return stage.offline.alertsNamed('A')[0]?.state ?? '-';
    });
    expect(states.join(' ')).toBe(expected);
  });
});

it('expands annotations over the last result in which the condition held', () => {
  const rule =
    '{alert: A, expr: m > 1, keep_firing_for: 5m, annotations: {at: "{{ $value }} of {{ with query `m` }}{{ . | first | value }}{{ end }}"}}';
  const stage = stageOf(rule, { m: '2 3 1 1' });
  for (const minute of [0, 1, 2, 3]) stage.evaluate(minute);
  expect(stage.offline.alertsNamed('A')).toMatchObject([
    { annotations: { at: '3 of 3' }, missedSinceMs: 2 * MINUTE_MS, activeAtMs: 0 },
  ]);
});

it('has the annotations speak of the labels with the name, the external ones and the address', () => {
  const text = '{{ $labels.__name__ }} {{ $externalLabels.region }} {{ $externalURL }}';
  const stage = stageOf(`{alert: A, expr: m, annotations: {text: "${text}"}}`, { m: '1' });
  stage.evaluate(0);
  expect(stage.offline.alertsNamed('A')[0]?.annotations).toEqual({ text: 'm eu http://omoi' });
});

it('remembers what fired and has ended', () => {
  const stage = stageOf('{alert: A, expr: m == 1, labels: {a: b}}', { m: '1 0 0' });
  for (const minute of [0, 1, 2]) stage.evaluate(minute);
  const [rule] = stage.offline.alertingRules('A');
  expect([...(rule?.ended ?? [])]).toEqual([{ labels: { a: 'b', alertname: 'A' }, endedAtMs: MINUTE_MS }]);
});

it('says which rules can’t be evaluated, and evaluates the others', () => {
  const stage = stageOf(
    '{record: r, expr: \'m + on () {__name__=~"m|n"}\'}, {record: m, expr: vector(9)}, {alert: A, expr: m}',
    {
      m: '1',
      n: '2',
    },
  );
  expect(stage.evaluate(0)).toEqual([
    { rule: 'r', message: expect.stringContaining('found duplicate series for the match group') },
    { rule: 'm', message: expect.stringContaining('another one of this time') },
  ]);
  expect(stage.offline.alertsNamed('A')).toHaveLength(1);
});
