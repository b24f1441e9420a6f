import { COUNTERS, GAUGES, HISTOGRAMS, JOBS, jobName } from './fleet-load.ts';

export const RULES_PER_GROUP = 50;
/** A group in so many has a rule that fires on every instance. */
const GROUPS_PER_FIRING = 20;

export interface FleetRules {
  readonly groups: number;
  /** The groups take turns. */
  readonly intervals: readonly string[];
}

/** What the rules of one group are made of. */
interface GroupPlace {
  readonly group: number;
  readonly at: number;
}

/** How many of the fifty rules of a group are of a kind, and what they say. */
const KINDS: readonly (readonly [count: number, lines: (place: GroupPlace) => readonly string[]])[] = [
  [14, (p) => alert(p, `${gauge(p)} > 1e6`, '5m')],
  // Half of its instances are above the mean of the noise, others each time.
  [1, (p) => alert(p, `${gauge(p)} > 50`, '5m')],
  [
    1,
    (p) => alert(p, p.group % GROUPS_PER_FIRING === 0 ? `app_gauge_${p.at} > 10` : `${gauge(p)} < 0`, '0s'),
  ],
  [10, (p) => alert(p, `rate(${counter(p)}[5m]) > 1e6`, '5m')],
  [5, recording],
  [4, (p) => alert(p, `${recordOf(p, 0)} > 2 * ${recordOf(p, 1)}`, '5m')],
  [
    4,
    (p) =>
      alert(
        p,
        `sum by (job) (rate(${counter(p)}[5m])) / sum by (job) (rate(${counter(p, 1)}[5m])) > 5`,
        '5m',
      ),
  ],
  [3, (p) => alert(p, `avg_over_time(${gauge(p)}[10m]) > 1e6`, '5m')],
  [2, (p) => alert(p, `predict_linear(${gauge(p)}[1h], 4 * 3600) < -1e6`, '5m')],
  [2, (p) => alert(p, `absent(${gauge(p)})`, '5m')],
  [2, (p) => alert(p, `histogram_quantile(0.99, sum by (le, job) (rate(${buckets(p)}[5m]))) > 100`, '5m')],
  [1, (p) => alert(p, `${gauge(p)} > 1e6 and on (instance) ${gauge(p, 1)} > 1e6`, '5m')],
  [1, (p) => alert(p, `${gauge(p)} > 1e6 unless on (instance) ${gauge(p, 1)} > 1e6`, '5m')],
];

/**
 * A rule file of many groups with fifty rules each, in the mix that people run: most of them over the instances of one job,
 * recording rules over those of all. Some alerts are pending, some fire, the others never do.
 */
export function fleetRules({ groups, intervals }: FleetRules): string {
  const lines = ['groups:'];
  for (let group = 0; group < groups; group++) {
    lines.push(
      `  - name: group-${group}`,
      `    interval: ${intervals[group % intervals.length]}`,
      '    rules:',
    );
    const kinds = KINDS.flatMap(([count, of]) => Array.from({ length: count }, () => of));
    for (const [at, of] of kinds.entries()) lines.push(...of({ group, at }));
  }
  return `${lines.join('\n')}\n`;
}

function alert({ group, at }: GroupPlace, expr: string, forText: string): readonly string[] {
  return [
    `      - alert: Rule${at}`,
    `        expr: ${expr}`,
    `        for: ${forText}`,
    `        labels: { severity: warning, rule_group: group-${group} }`,
    `        annotations: { summary: '{{ $labels.instance }} has {{ $value | humanize }}' }`,
  ];
}

function recording({ group, at }: GroupPlace): readonly string[] {
  return [
    `      - record: ${recordName(group, at - 26)}`,
    `        expr: sum by (job, environment) (rate(app_counter_${(group * 5 + at) % COUNTERS}_total[5m]))`,
  ];
}

const recordName = (group: number, place: number): string => `group_${group}:app_counter_${place}:rate5m`;

/** Of the rules that record in the same group. */
const recordOf = ({ group, at }: GroupPlace, more: number): string => recordName(group, (at + more) % 5);

const inJob = (name: string, group: number): string => `${name}{job="${jobName(group % JOBS)}"}`;

const gauge = ({ group, at }: GroupPlace, more = 0): string =>
  inJob(`app_gauge_${(group * 7 + at + more) % GAUGES}`, group);

const counter = ({ group, at }: GroupPlace, more = 0): string =>
  inJob(`app_counter_${(group * 7 + at + more) % COUNTERS}_total`, group);

const buckets = ({ group, at }: GroupPlace): string =>
  inJob(`app_latency_${(group + at) % HISTOGRAMS}_seconds_bucket`, group);
