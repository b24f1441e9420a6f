import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { importPrometheus } from './import-prometheus.ts';
import { KEY_MEANINGS, SECTIONS } from './prometheus-keys.ts';

const read = (text: string, environment: Record<string, string> = {}) =>
  importPrometheus({ name: 'prometheus.yml', text }, environment);

const linesOf = (text: string, environment?: Record<string, string>) =>
  read(text, environment).findings.map(({ verdict, place, message }) => `${verdict} ${place} ${message}`);

const settingsOf = (text: string, environment?: Record<string, string>) =>
  Object.fromEntries(
    read(text, environment).settings.map(({ path, value }) => [path.join('.'), value] as const),
  );

describe('what a prometheus.yml becomes', () => {
  it.each<[string, string, Record<string, unknown>]>([
    ['nothing', '', { 'alerting.evaluation_interval': '1m' }],
    [
      'an interval and an offset',
      'global: {evaluation_interval: 30s, rule_query_offset: 1m}',
      { 'alerting.evaluation_interval': '30s', 'alerting.rule_query_offset': '1m' },
    ],
    [
      'retention',
      'storage: {tsdb: {retention: {time: 30d, size: 1.5GB}}}',
      {
        'alerting.evaluation_interval': '1m',
        'telemetry.retention': '30d',
        'telemetry.retention_bytes': 1_610_612_736,
      },
    ],
    [
      'what 0 means there',
      'global: {evaluation_interval: 0s}\nstorage: {tsdb: {retention: {time: 0d, size: 0}}}',
      { 'alerting.evaluation_interval': '1m' },
    ],
    [
      'external labels, with variables, without what relabelling drops',
      'global: {external_labels: {cluster: "eu-${ZONE}$$", replica: a, zone: $NONE}}\n' +
        'alerting: {alert_relabel_configs: [{action: labeldrop, regex: replica}]}',
      {
        'alerting.evaluation_interval': '1m',
        'alerting.external_labels': { cluster: 'eu-west$', zone: '' },
      },
    ],
  ])('%s', (_what, text, settings) => {
    expect(settingsOf(text, { ZONE: 'west' })).toEqual(settings);
  });

  it.each<[string, string]>([
    ['global: {evaluation_interval: soon}', 'refused 1:10 global.evaluation_interval: "soon" is no duration'],
    ['global: [a]', 'refused 1:1 global is no mapping'],
    ['rule_files: {a: b}', 'refused 1:1 rule_files is no list of texts'],
    [
      'scrape_configs: [{job_name: a}]',
      'stays 1:1 1 job: Prometheus goes on scraping, and sends what it scrapes',
    ],
    [
      'remote_red: []',
      'unused 1:1 remote_red: no key of Prometheus that Omoi knows; did you mean remote_read?',
    ],
    [
      'storage: {tsdb: {retention: {size: many}}}',
      'refused 1:30 storage.tsdb.retention.size: "many" is no size',
    ],
    [
      'alerting: {alert_relabel_configs: [{target_label: a, replacement: b}]}',
      'differs 1:36 labels of alerts are not changed on their way to the routing',
    ],
  ])('%s', (text, line) => {
    expect(linesOf(text)).toContain(line);
  });

  it('says nothing of what is secret', () => {
    const text =
      'remote_write: [{url: "http://u:hush@h/w", basic_auth: {password: hush}}]\ntracing: {headers: {a: hush}}';
    expect(JSON.stringify(read(text))).not.toContain('hush');
  });

  it('has a finding for every key', () => {
    const leaves = [
      ...KEY_MEANINGS.keys(),
      'rule_files',
      'global.external_labels',
      'made.up',
      'global.made_up',
    ];
    const paths = fc.uniqueArray(fc.constantFrom(...leaves, ...SECTIONS), { minLength: 1 });
    fc.assert(
      fc.property(paths, (chosen) => {
        const tree: Record<string, unknown> = {};
        for (const path of chosen) setAt(tree, path.split('.'));
        const { findings, ruleGlobs } = read(stringify(tree));
        const told = findings.filter(({ place }) => place !== null).length + ruleGlobs.length;
        expect(told).toBeGreaterThanOrEqual(leavesOf(tree, ''));
      }),
      { numRuns: propertyRuns(100) },
    );
  });
});

function setAt(tree: Record<string, unknown>, [head = '', ...rest]: readonly string[]): void {
  if (rest.length === 0) tree[head] ??= SECTIONS.has(head) ? {} : ['x'];
  else setAt((tree[head] ??= {}) as Record<string, unknown>, rest);
}

/** Keys that are no sections: each has something said of it. */
function leavesOf(tree: object, path: string): number {
  return Object.entries(tree).reduce((sum, [key, child]: [string, unknown]) => {
    const inner = path === '' ? key : `${path}.${key}`;
    if (!SECTIONS.has(inner)) return sum + 1;
    return (
      sum +
      (typeof child === 'object' && child !== null && !Array.isArray(child) ? leavesOf(child, inner) : 1)
    );
  }, 0);
}
