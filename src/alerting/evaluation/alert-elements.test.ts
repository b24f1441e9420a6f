import { describe, expect, it } from 'vitest';
import type { Labels } from '#telemetry';
import { AlertTemplate } from '../rules/alert-template.ts';
import type { AlertingRule } from '../rules/rule.ts';
import { AlertIdentities, type AlertElement } from './alert-elements.ts';
import type { VectorElement } from './rule-query.ts';

const context = {
  externalLabels: {},
  host: { externalUrl: 'http://omoi.example', timeMs: 0, query: () => [] },
};

function ruleWith(labels: Labels): AlertingRule {
  const templates = Object.entries(labels).map(
    ([name, text]) => [name, new AlertTemplate(text, 'High')] as const,
  );
  return {
    kind: 'alerting',
    id: 'g/High',
    key: 'g/High',
    name: 'High',
    expr: 'x > 5',
    place: { line: 1, column: 1, from: 0, to: 0 },
    hash: '',
    forMs: 0,
    keepFiringForMs: 0,
    labels: new Map(templates),
    annotations: new Map(),
  };
}

/** Made anew each time, as aggregations do it. */
const resultOf = (...ids: readonly string[]): readonly VectorElement[] =>
  ids.map((id, place) => ({ labels: { __name__: 'x', id, job: 'j' }, value: place }));

function identify(
  identities: AlertIdentities,
  rule: AlertingRule,
  result: readonly VectorElement[],
): readonly AlertElement[] {
  const work = identities.identify({ rule, limit: 0 }, result, context);
  for (;;) {
    const step = work.next();
    if (step.done) return [...step.value.values()];
  }
}

const labelsIn = (elements: readonly AlertElement[]) =>
  new Map(elements.map(({ labels }) => [labels['id'], labels]));

describe('the labels of an alert', () => {
  const rule = ruleWith({ severity: 'error', team: '{{ $labels.job }}' });

  it('are the same object from one evaluation to the next, with the new value', () => {
    const identities = new AlertIdentities();
    const [before] = identify(identities, rule, [{ labels: { __name__: 'x', id: 'a', job: 'j' }, value: 6 }]);
    const [after] = identify(identities, rule, [{ labels: { __name__: 'x', id: 'a', job: 'j' }, value: 7 }]);
    expect(before?.labels).toEqual({ id: 'a', job: 'j', severity: 'error', team: 'j', alertname: 'High' });
    expect(after?.labels).toBe(before?.labels);
    expect(after?.element.value).toBe(7);
  });

  it.each([
    { name: 'come between', next: ['a', 'new', 'b', 'c', 'd'], kept: ['a', 'b', 'c', 'd'] },
    { name: 'come first', next: ['new', 'a', 'b', 'c', 'd'], kept: ['a', 'b', 'c', 'd'] },
    { name: 'go', next: ['b', 'd'], kept: ['b', 'd'] },
    { name: 'go and come', next: ['new', 'c', 'newer', 'd'], kept: ['c', 'd'] },
  ])('stay while others $name', ({ next, kept }) => {
    const identities = new AlertIdentities();
    const before = labelsIn(identify(identities, rule, resultOf('a', 'b', 'c', 'd')));
    const after = labelsIn(identify(identities, rule, resultOf(...next)));
    expect([...after.keys()]).toEqual(next);
    expect(next.filter((id) => after.get(id) === before.get(id))).toEqual(kept);
  });

  it('are those of the element in whatever order the elements come', () => {
    const identities = new AlertIdentities();
    for (const ids of ['abcdef', 'fedcba', 'badcfe', 'acebdf', 'ba', '', 'fa']) {
      const found = identify(identities, rule, resultOf(...ids.split('')));
      expect(found.map(({ labels }) => labels['id']).join('')).toBe(ids);
      expect(found.map(({ key }) => key)).toEqual(
        identify(new AlertIdentities(), rule, resultOf(...ids.split(''))).map(({ key }) => key),
      );
    }
  });

  it('are made anew where a template says something else', () => {
    const identities = new AlertIdentities();
    const valued = ruleWith({ level: '{{ if gt $value 10.0 }}high{{ end }}' });
    const found = [5, 6, 11, 12].map((value) => {
      const [element] = identify(identities, valued, [{ labels: { id: 'a' }, value }]);
      return element?.labels;
    });
    expect(found.map((labels) => labels?.['level'])).toEqual([undefined, undefined, 'high', 'high']);
    expect([found[0] === found[1], found[1] === found[2], found[2] === found[3]]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('are made anew where the rule is another, or the element has a label more or less', () => {
    const identities = new AlertIdentities();
    const labelsOf = (by: AlertingRule, labels: Labels) =>
      identify(identities, by, [{ labels, value: 1 }])[0]?.labels;
    expect(labelsOf(rule, { id: 'a', job: 'j' })).toMatchObject({ severity: 'error' });
    const critical = ruleWith({ severity: 'critical' });
    expect(labelsOf(critical, { id: 'a', job: 'j' })).toEqual({
      id: 'a',
      job: 'j',
      severity: 'critical',
      alertname: 'High',
    });
    expect(labelsOf(critical, { id: 'a' })).toEqual({ id: 'a', severity: 'critical', alertname: 'High' });
    expect(labelsOf(critical, { id: 'a', of: '' })).toEqual({
      id: 'a',
      severity: 'critical',
      alertname: 'High',
    });
  });

  it('must differ from one alert to another, also where both were known', () => {
    const identities = new AlertIdentities();
    identify(identities, rule, resultOf('a', 'b'));
    expect(() => identify(identities, rule, resultOf('a', 'a'))).toThrow('same labelset');
    expect(identify(identities, rule, resultOf('a', 'b'))).toHaveLength(2);
  });
});
