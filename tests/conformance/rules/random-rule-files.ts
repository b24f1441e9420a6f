import type { Random } from '#telemetry';

/** Ways to write a value that YAML, Go and JSON take differently. */
const ODD = [
  '',
  '~',
  'null',
  'Null',
  'NULL',
  "''",
  '""',
  'yes',
  'No',
  'on',
  'y',
  'true',
  'True',
  'tRue',
  "'true'",
  '0',
  '1',
  '-1',
  '+1',
  '007',
  '0o17',
  '0x1F',
  '0b11',
  '1_000',
  '1.5',
  '1e3',
  '1e400',
  '.inf',
  '.NaN',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551616',
  '2001-12-14',
  '2001-12-14t21:59:43.10-05:00',
  '12:30:45',
  '[]',
  '[a]',
  '{}',
  '{ a: b }',
  '!!str 5',
  '!!int "5"',
  '!!null x',
  '!!binary aGk=',
  '!!float 1',
  '!!bool yes',
  '!local x',
  '"a\\tb"',
  '"\\u00e9"',
  "'it''s'",
  'é',
  '日本',
  '=',
  '<<',
  '*nowhere',
  '&here x',
  '|\n{i}  a\n{i}  b',
  '>-\n{i}  a\n{i}  b',
  '|2\n{i}    a',
  '"a\n{i}  b"',
  'a # comment',
  'a: b',
  '- a',
  '@a',
  '`a`',
  '%a',
  '"\\x41"',
  '"\\q"',
  '\ta',
  'a\t',
  '? a',
] as const;

/** Prometheus 2.42 takes a null for a name or an expression, and what has a tag; 3.0 does not.
 * And numbers with underscores are newer. */
const ODD_TEXTS = ODD.filter((text) => !/^(?:|~|null|Null|NULL|[[{!*].*|1_000)$/.test(text));

const DURATIONS = [
  '5m',
  '0',
  '0s',
  '1h30m',
  '1d',
  '1w2d',
  '1y',
  '90s',
  '1.5h',
  '30m1h',
  '-5m',
  '5',
  '5 m',
  '1ms',
  '1h1h',
  '300y',
  '292y',
  '293y',
  '10000000000s',
  '5M',
  '',
  '1d12h30m15s10ms',
  "'5m'",
  '5mm',
  '١m',
] as const;

const NAMES = [
  'a',
  'job:up:sum',
  'High',
  '_',
  ':',
  "'{a}'",
  'a{b="c"}',
  '__name__',
  'up',
  "'a'",
  '""',
  'a:b:c',
  '"a\\tb"',
] as const;

const LABELS = [
  'severity',
  'team',
  'a_b',
  'job',
  '__name__',
  '__x',
  'alertname',
  '""',
  '_',
  'le',
  'true',
  'null',
  "'job'",
  'yes',
] as const;

const TEXTS = [
  'warning',
  "'{{ $labels.job }}'",
  "'{{ $value | humanize }}'",
  "'{{ $nope }}'",
  "'{{ .Labels.x }}'",
  "'{{ if }}'",
  '\'{{ range query "up" }}{{ . }}{{ end }}\'',
  "'{{ nofunc 1 }}'",
  "'{{'",
  "'}}'",
  '"{{ $value }}"',
  '\'{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}\'',
  '\'{{ printf "%d" 1 }}\'',
  "'{{ $externalLabels.x }}'",
  "'{{ with $x := 1 }}{{ $x }}{{ end }}'",
  "'{{ $value | toTime }}'",
  "'{{- /* c */ -}}'",
  '\'{{ template "missing" }}\'',
  "'{{ first }}'",
  '\'{{ index $labels "a" "b" }}\'',
  "'{{ end }}'",
  '"{{ \\"x\\" }}"',
  "'{{ 1 | len }}'",
  "'{{ .Value.x }}'",
  "'{{ strvalue 1 }}'",
  "'{{ $labels }}'",
  "'{{ break }}'",
] as const;

const EXPRESSIONS = [
  'up == 0',
  'sum by (job) (rate(x[5m])) > 1',
  'vector(1)',
  '1',
  '"a"',
  'up ==',
  'rate(x)',
  'rate(x[5m])[5m:]',
  '{}',
  '{a=""}',
  '{a=~".*"}',
  'up offset -5m',
  'up @ start()',
  'x[5m]',
  'sum(',
  'up{a=b}',
  "up{a='b'}",
  'absent(up)',
  'up and on (a) down',
  'up * on(a) group_left x',
  'nosuch(up)',
  'topk(5, up)',
  'count_values("a b", up)',
  'quantile(2, up)',
  'label_replace(up, "a", "$1", "b", "(")',
  'label_replace(up, "a-b", "$1", "b", "(.*)")',
  'up > bool 1',
  '1 > 2',
  '1 > bool 2',
  '-up',
  'up # comment',
  'up[1h:5m]',
  'avg_over_time(up[5m:])',
  'time()',
  'up{__name__="down"}',
  'up{a!~"["}',
  'sum without () (up)',
  'up atan2 down',
  'histogram_quantile(0.9, x)',
  'up unless',
  'sgn(up)',
  'up > 1e1000',
  '0x1F',
  'up{,}',
  'up{a="b",}',
  'sum(up,)',
  'bool',
  'on',
  'up by (a)',
  'scalar(up)',
  'scalar(1)',
  'absent_over_time(x[5m])',
  'x[0s]',
  'x[5m] offset 1m',
  'x offset 1m [5m]',
  'up @ 1e100',
  'up[5m] @ end()',
  "'up == 0'",
  '"up == 0"',
  '>-\n{i}  up\n{i}  == 0',
  '|\n{i}  up\n{i}  > 1',
] as const;

const GOOD_EXPRESSIONS = ['up == 0', 'vector(1)', 'sum by (job) (rate(x[5m])) > 1', "'up'"];
const GOOD_TEXTS = ['warning', 'page', "'{{ $labels.job }}'", "'{{ $value | humanize }}'", '5', 'true'];

const NUMBERS = [
  '0',
  '5',
  '-1',
  '1.5',
  '5.0',
  '1e2',
  '"5"',
  '0x10',
  '010',
  'a',
  '',
  '~',
  '9223372036854775808',

  '+5',
  'true',
  '.5',
] as const;

/** How often a value is one that may be wrong. */
const ODDITY = 0.06;

/**
 * Files of rules that are near good ones. What Prometheus takes since 3.0 alone is left out: names of any characters, labels of
 * groups, offsets of queries.
 */
export class RuleFileGenerator {
  readonly #random: Random;
  #anchors = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  file(): string {
    this.#anchors = 0;
    const groups = Array.from({ length: this.#below(3) }, () => this.#group());
    const body = this.#map('', [
      ['groups', groups.length === 0 ? this.#pickGood(['', '[]', '~'], ODD) : `\n${groups.join('')}`],
      ...this.#rarely<[string, string]>(
        [[this.#pick(['x', 'group', 'Groups', 'groups']), this.#pick(ODD)]],
        0.04,
      ),
    ]);
    const opened = this.#pickRarely(
      [
        '---\n',
        '\ufeff',
        '# comment\n',
        '%YAML 1.1\n---\n',
        '%YAML 1.2\n---\n',
        '--- # x\n',
        '\n\n',
        ' \n',
        '%TAG ! tag:x,2000:\n---\n',
      ],
      0.15,
    );
    const closed = this.#pickRarely(
      ['---\n', '...\n', '---\ngroups: []\n', '# end', '...\n---\n', '\n\t\n', '\u0000', '}'],
      0.06,
    );
    const text = `${opened}${body}${closed}`;
    return this.#chance(0.04) ? text.replaceAll('\n', '\r\n') : text;
  }

  #group(): string {
    const indent = '  ';
    const rules = Array.from({ length: this.#below(4) }, () => this.#rule());
    return this.#item(indent, [
      ['name', this.#pickGood(['a', 'b', 'c', 'd', 'e', 'f'], [...NAMES, ...ODD])],
      ...this.#rarely<[string, string]>([['interval', this.#duration()]], 0.3),
      ...this.#rarely<[string, string]>([['limit', this.#pickGood(['0', '5'], [...NUMBERS, ...ODD])]], 0.15),
      ['rules', rules.length === 0 ? this.#pickGood(['', '[]', '~'], ODD) : `\n${rules.join('')}`],
      ...this.#rarely<[string, string]>(
        [[this.#pick(['x', 'Name', 'rule', 'partial_response_strategy', 'source_tenants']), this.#pick(ODD)]],
        0.02,
      ),
    ]);
  }

  #rule(): string {
    const indent = '      ';
    const isAlert = this.#chance(0.6);
    const pairs: [string, string][] = [
      [
        isAlert ? 'alert' : 'record',
        this.#pickGood(['a', 'b', 'job:up:sum', 'High'], [...NAMES, ...ODD_TEXTS]),
      ],
      ['expr', this.#pickGood(GOOD_EXPRESSIONS, [...EXPRESSIONS, ...ODD_TEXTS])],
      ...this.#rarely<[string, string]>([[isAlert ? 'record' : 'alert', this.#pick(NAMES)]], 0.03),
      ...this.#rarely<[string, string]>([['for', this.#duration()]], isAlert ? 0.4 : 0.05),
      ...this.#rarely<[string, string]>([['keep_firing_for', this.#duration()]], isAlert ? 0.15 : 0.03),
      ...this.#rarely<[string, string]>([['labels', this.#texts()]], 0.5),
      ...this.#rarely<[string, string]>([['annotations', this.#texts()]], isAlert ? 0.4 : 0.05),
      ...this.#rarely<[string, string]>(
        [[this.#pick(['x', 'Expr', 'ALERT', 'runbook', 'severity']), this.#pick(ODD)]],
        0.02,
      ),
    ];
    return this.#item(indent, pairs);
  }

  #texts(): string {
    if (this.#chance(0.02)) return this.#pick(ODD);
    const count = this.#below(3);
    if (count === 0) return this.#pick(['{}', '', '~']);
    const pairs = Array.from({ length: count }, (): [string, string] => [
      this.#pickGood(['severity', 'team', 'job', 'x'], LABELS),
      this.#pickGood(GOOD_TEXTS, [...TEXTS, ...ODD]),
    ]);
    if (this.#chance(0.2)) return `{${pairs.map(([key, value]) => `${key}: ${oneLine(value)}`).join(', ')}}`;
    return `\n${pairs.map(([key, value]) => `          ${key}: ${filled(value, '          ')}\n`).join('')}`;
  }

  /** An item of a list. */
  #item(indent: string, pairs: readonly [string, string][]): string {
    const written = this.#map(`${indent}  `, this.#chance(0.1) ? this.#shuffled(pairs) : pairs);
    const anchor = this.#chance(0.04) ? `&a${++this.#anchors}\n${indent}  ` : '';
    if (this.#anchors > 0 && this.#chance(0.1)) return `${indent}- *a${1 + this.#below(this.#anchors)}\n`;
    return `${indent}- ${anchor}${written.slice(indent.length + 2)}`;
  }

  #map(indent: string, pairs: readonly [string, string][]): string {
    const lines = pairs.map(
      ([key, value]) =>
        `${indent}${this.#key(key)}:${value.startsWith('\n') ? value : ` ${filled(value, indent)}\n`}`,
    );
    if (this.#chance(0.015)) lines.push(...lines.slice(0, 1));
    if (this.#anchors > 0 && this.#chance(0.05))
      lines.push(`${indent}<<: *a${1 + this.#below(this.#anchors)}\n`);
    if (this.#chance(0.02))
      lines.splice(
        this.#below(lines.length + 1),
        0,
        this.#pick([`${indent}# comment\n`, '\n', `${indent}\t\n`, ' # less\n']),
      );
    return lines.join('');
  }

  #key(key: string): string {
    return this.#pickRarely([`"${key}"`, `'${key}'`, `!!str ${key}`, `${key} `], 0.02) || key;
  }

  #shuffled<One>(list: readonly One[]): readonly One[] {
    return list
      .map((one) => [this.#random.next(), one] as const)
      .sort(([a], [b]) => a - b)
      .map(([, one]) => one);
  }

  #rarely<One>(list: readonly One[], share: number): readonly One[] {
    return this.#chance(share) ? list : [];
  }

  #pickRarely(list: readonly string[], share: number): string {
    return this.#chance(share) ? this.#pick(list) : '';
  }

  #duration(): string {
    return this.#pickGood(['5m', '1h30m', '1d', '90s'], [...DURATIONS, ...ODD]);
  }

  /** One of those that are surely good, in most cases. */
  #pickGood(good: readonly string[], odd: readonly string[]): string {
    return this.#pick(this.#chance(ODDITY) ? odd : good);
  }

  #pick<One>(list: readonly One[]): One {
    const one = list[this.#below(list.length)];
    if (one === undefined) throw new Error('there is nothing to pick from');
    return one;
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }
}

function filled(value: string, indent: string): string {
  return value.replaceAll('{i}', indent);
}

function oneLine(value: string): string {
  return value.includes('\n') ? 'x' : value;
}
