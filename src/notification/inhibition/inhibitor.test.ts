import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Labels, labelValue, matchesAll } from '#telemetry';
import { propertyRuns } from '../../../tests/property-runs.ts';
import type { InhibitRule } from '../configuration/notification-configuration.ts';
import { parseMatchers } from '../configuration/matchers/index.ts';
import { Inhibitor } from './inhibitor.ts';

function ruleOf(source: string, target: string, equal: readonly string[] = [], name = ''): InhibitRule {
  return {
    name,
    sources: [{ matchers: parseMatchers(source), equal }],
    targetMatchers: parseMatchers(target),
    equal,
  };
}

const alert = (alertId: string, labels: Labels) => ({ alertId, labels });

/** `s1: sev=critical host=a` lines, and the ids of what inhibits whom. */
function inhibitions(rules: readonly InhibitRule[], firing: readonly (readonly [string, Labels])[]) {
  const inhibitor = new Inhibitor(rules);
  for (const [id, labels] of firing) inhibitor.add(alert(id, labels));
  return firing.flatMap(([id, labels]) => {
    const by = inhibitor.inhibitedBy({ labels });
    return by ? [`${id} by ${by.sourceAlertId}`] : [];
  });
}

describe('inhibition', () => {
  it.each<[string, readonly InhibitRule[], readonly (readonly [string, Labels])[], readonly string[]]>([
    [
      'by an alert that agrees in the labels that have to be equal',
      [ruleOf('sev=critical', 'sev=warning', ['host'])],
      [
        ['c', { sev: 'critical', host: 'a' }],
        ['w', { sev: 'warning', host: 'a' }],
        ['v', { sev: 'warning', host: 'b' }],
      ],
      ['w by c'],
    ],
    [
      'where a label that is missing on both sides is equal, and one that is empty is missing',
      [ruleOf('sev=critical', 'sev=warning', ['host', 'zone'])],
      [
        ['c', { sev: 'critical' }],
        ['w', { sev: 'warning' }],
        ['v', { sev: 'warning', host: 'a' }],
      ],
      ['w by c'],
    ],
    [
      'not by an alert that matches both sides, of what does so too',
      [ruleOf('sev=~"critical|warning"', 'sev=~"warning|info"')],
      [
        ['w', { sev: 'warning' }],
        ['v', { sev: 'warning', host: 'b' }],
        ['i', { sev: 'info' }],
      ],
      ['i by w'],
    ],
    [
      'by an alert of the source alone even where others match both sides',
      [ruleOf('sev=~"critical|warning"', 'sev=~"warning|info"')],
      [
        ['w', { sev: 'warning' }],
        ['c', { sev: 'critical' }],
      ],
      ['w by c'],
    ],
    ['not by itself', [ruleOf('sev=critical', 'host=a')], [['c', { sev: 'critical', host: 'a' }]], []],
    [
      'by any of several sources, each with labels of its own',
      [
        {
          name: '',
          sources: [
            { matchers: parseMatchers('alertname=ZoneDown'), equal: ['zone'] },
            { matchers: parseMatchers('alertname=HostDown'), equal: ['host'] },
          ],
          targetMatchers: parseMatchers('sev=warning'),
          equal: [],
        },
      ],
      [
        ['z', { alertname: 'ZoneDown', zone: '1' }],
        ['h', { alertname: 'HostDown', host: 'a', zone: '2' }],
        ['w', { sev: 'warning', host: 'b', zone: '1' }],
        ['v', { sev: 'warning', host: 'a', zone: '3' }],
        ['u', { sev: 'warning', host: 'b', zone: '3' }],
      ],
      ['w by z', 'v by h'],
    ],
  ])('%s', (_what, rules, firing, expected) => {
    expect(inhibitions(rules, firing)).toEqual(expected);
  });

  it('tells the first rule that does it', () => {
    const rules = [
      ruleOf('a=1', 'b=2', [], 'other'),
      ruleOf('c=1', 'b=2', [], 'first'),
      ruleOf('d=1', 'b=2', [], 'second'),
    ];
    const inhibitor = new Inhibitor(rules);
    inhibitor.add(alert('d', { d: '1' }));
    expect(inhibitor.inhibitedBy({ labels: { b: '2' } })).toEqual({ rule: rules[2], sourceAlertId: 'd' });
    inhibitor.add(alert('c', { c: '1' }));
    expect(inhibitor.inhibitedBy({ labels: { b: '2' } })).toEqual({ rule: rules[1], sourceAlertId: 'c' });
  });

  it('ends when the last alert that does it is resolved', () => {
    const inhibitor = new Inhibitor([ruleOf('sev=critical', 'sev=warning', ['host'])]);
    const target = { labels: { sev: 'warning', host: 'a' } };
    inhibitor.add(alert('1', { sev: 'critical', host: 'a', disk: 'x' }));
    inhibitor.add(alert('2', { sev: 'critical', host: 'a', disk: 'y' }));
    inhibitor.add(alert('1', { sev: 'critical', host: 'a', disk: 'x' }));
    expect(inhibitor.inhibitedBy(target)?.sourceAlertId).toBe('1');
    inhibitor.remove('1');
    expect(inhibitor.inhibitedBy(target)?.sourceAlertId).toBe('2');
    inhibitor.remove('2');
    inhibitor.remove('2');
    expect(inhibitor.inhibitedBy(target)).toBeNull();
  });
});

const names = fc.constantFrom('a', 'b', 'c');
const setText = fc
  .tuple(names, fc.constantFrom('=', '!=', '=~'), fc.constantFrom('1', '2', '"1|2"'))
  .map((parts) => parts.join(''));
const rule = fc
  .tuple(setText, setText, fc.uniqueArray(names, { maxLength: 2 }))
  .map(([source, target, equal]) => ruleOf(source, target, equal));
const labels = fc.dictionary(names, fc.constantFrom('1', '2', '3'), { maxKeys: 3 });

/** As Alertmanager's documentation says it, alert by alert. */
function isInhibited(rules: readonly InhibitRule[], target: Labels, firing: readonly Labels[]): boolean {
  return rules.some(({ sources, targetMatchers }) => {
    if (!matchesAll(targetMatchers, target)) return false;
    return sources.some(({ matchers, equal }) =>
      firing.some(
        (source) =>
          matchesAll(matchers, source) &&
          equal.every((name) => labelValue(source, name) === labelValue(target, name)) &&
          !(matchesAll(matchers, target) && matchesAll(targetMatchers, source)),
      ),
    );
  });
}

test('it inhibits what each pair of alerts says by itself, also after some are resolved', () => {
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 4 }),
      fc.array(labels, { maxLength: 8 }),
      fc.array(fc.nat(7), { maxLength: 4 }),
      (rules, all, resolved) => {
        const inhibitor = new Inhibitor(rules);
        for (const [at, one] of all.entries()) inhibitor.add(alert(String(at), one));
        for (const at of resolved) inhibitor.remove(String(at));
        const firing = all.filter((_, at) => !resolved.includes(at));
        for (const one of all) {
          expect(inhibitor.inhibitedBy({ labels: one }) !== null).toBe(isInhibited(rules, one, firing));
        }
      },
    ),
    { numRuns: propertyRuns(1500) },
  );
});

test('10,000 alerts and 100 rules: an alert is held against the rules that ask for one of its values', () => {
  let asked = 0;
  const countedRule = (at: number): InhibitRule => {
    const counted = (text: string) =>
      parseMatchers(text).map((matcher) => ({
        ...matcher,
        matches: (value: string) => {
          asked++;
          return matcher.matches(value);
        },
      }));
    return {
      name: String(at),
      sources: [{ matchers: counted(`sev=critical,team="t${at}"`), equal: ['host'] }],
      targetMatchers: counted(`sev=warning,team="t${at}"`),
      equal: ['host'],
    };
  };
  const inhibitor = new Inhibitor(Array.from({ length: 100 }, (_, at) => countedRule(at)));
  const labelsAt = (at: number, sev: string): Labels => ({
    sev,
    team: `t${at % 100}`,
    host: `h${Math.floor(at / 100)}`,
  });
  asked = 0;
  for (let at = 0; at < 5_000; at++) inhibitor.add(alert(`c${at}`, labelsAt(at, 'critical')));
  for (let at = 0; at < 5_000; at++) inhibitor.add(alert(`w${at}`, labelsAt(at, 'warning')));
  for (let at = 0; at < 5_000; at++) {
    expect(inhibitor.inhibitedBy({ labels: labelsAt(at, 'warning') })?.sourceAlertId).toBe(`c${at}`);
    expect(inhibitor.inhibitedBy({ labels: labelsAt(at, 'critical') })).toBeNull();
  }
  // 20,000 questions, of a few matchers each instead of 200.
  expect(asked).toBeLessThan(20_000 * 8);
});
