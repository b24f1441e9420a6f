import type { Random } from '#telemetry';

/**
 * Rules, and tests of them that expect nothing yet, as plain data: JSON is YAML. Times are such that no sample lies on the
 * left end of a range or a look-back, which Prometheus 2 counted in and 3 does not: rules are evaluated at whole minutes, ranges
 * are no multiples of seconds that come from there to a minute, and samples of the input come at no whole seconds. Nor is there a rate, which is extrapolated otherwise
 * in 3, or a template that depends on the order of several series, which is another each time.
 */
export interface RandomRuleTests {
  readonly ruleFiles: readonly {
    readonly name: string;
    readonly content: { readonly groups: readonly unknown[] };
  }[];
  readonly testFile: WrittenTestFile;
}

export interface WrittenTestFile {
  readonly rule_files: readonly string[];
  readonly evaluation_interval: string;
  readonly group_eval_order: readonly string[];
  readonly tests: readonly WrittenTest[];
}

export interface WrittenTest {
  readonly name: string;
  readonly interval: string;
  readonly external_labels: Readonly<Record<string, string>>;
  readonly external_url: string;
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test: readonly WrittenAlertCase[];
  readonly promql_expr_test: readonly WrittenExprCase[];
}

export interface WrittenAlertCase {
  readonly eval_time: string;
  readonly alertname: string;
  readonly exp_alerts: readonly {
    readonly exp_labels: Readonly<Record<string, string>>;
    readonly exp_annotations: Readonly<Record<string, string>>;
  }[];
}

export interface WrittenExprCase {
  readonly eval_time: string;
  readonly expr: string;
  readonly exp_samples: readonly { readonly labels: string; readonly value: number }[];
}

const INPUT_STEP = '37s13ms';
const LAST_MINUTE = 30;
const METRICS = ['m0', 'm1', 'm2'] as const;

export function randomRuleTests(random: Random): RandomRuleTests {
  return new Generator(random).generate();
}

class Generator {
  readonly #random: Random;
  #recorded = 0;
  #alerts = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  generate(): RandomRuleTests {
    const names: string[] = [];
    const ruleFiles = this.#times(1, 2, (file) => ({
      name: `rules${file}.yml`,
      content: {
        groups: this.#times(1, 2, (place) => {
          const name = `g${file}${place}`;
          names.push(name);
          return this.#group(name);
        }),
      },
    }));
    return {
      ruleFiles,
      testFile: {
        rule_files: this.#chance(0.3) ? ['rules*.yml'] : ruleFiles.map(({ name }) => name),
        evaluation_interval: this.#pick(['1m', '2m']),
        group_eval_order: this.#shuffled(names),
        tests: this.#times(1, 3, (place) => this.#test(`test ${place}`)),
      },
    };
  }

  #group(name: string): unknown {
    return {
      name,
      ...(this.#chance(0.1) && { limit: this.#whole(2, 6) }),
      ...(this.#chance(0.2) && { interval: '30s' }),
      rules: this.#times(1, 4, () => (this.#chance(0.4) ? this.#recordingRule() : this.#alertingRule())),
    };
  }

  #recordingRule(): unknown {
    return {
      record: `r:${this.#recorded++}`,
      expr: this.#expression(),
      ...(this.#chance(0.3) && { labels: { kind: 'recorded', ...(this.#chance(0.3) && { a: '' }) } }),
    };
  }

  #alertingRule(): unknown {
    const name = this.#chance(0.15) && this.#alerts > 0 ? `A${this.#alerts - 1}` : `A${this.#alerts++}`;
    return {
      alert: name,
      expr: this.#condition(),
      ...(this.#chance(0.6) && { for: this.#pick(['0s', '1m', '90s', '3m', '5m']) }),
      ...(this.#chance(0.3) && { keep_firing_for: this.#pick(['1m', '150s', '4m']) }),
      labels: {
        rule: String(this.#whole(0, 1_000_000)),
        ...(this.#chance(0.4) && { severity: 'page' }),
        ...(this.#chance(0.2) && { level: '{{ if gt $value 20.0 }}high{{ else }}low{{ end }}' }),
        ...(this.#chance(0.1) && { b: '' }),
      },
      ...(this.#chance(0.7) && { annotations: this.#annotations() }),
    };
  }

  #annotations(): Readonly<Record<string, string>> {
    const texts = [
      'plain',
      '',
      '{{ $labels.a }} is at {{ $value }}',
      '{{ printf "%.2f" $value }} in {{ $externalLabels.region }}',
      '{{ humanize $value }} of {{ .Labels.b }}',
      '{{ with query "sum(m0)" }}{{ len . }} series, first {{ . | first | value }}{{ end }}',
      `{{ range query "max by (a) (m1{a='x'})" }}{{ .Labels.a }}={{ .Value }} {{ end }}`,
      '{{ $externalURL }}/{{ $labels.instance }}',
      '{{ query "count(ALERTS)" | len }}',
      '{{ $labels.nothing | toUpper }}|{{ $labels.__name__ }}',
    ];
    return Object.fromEntries(this.#times(1, 3, (place) => [`text${place}`, this.#pick(texts)]));
  }

  #condition(): string {
    const operator = this.#pick(['>', '>=', '<', '==', '!=']);
    return this.#chance(0.15)
      ? this.#pick([
          'absent(m2)',
          'absent(m1{a="x"})',
          'ALERTS{alertstate="firing"}',
          'ALERTS_FOR_STATE > 60',
          'm0 unless on (a) m1',
          'vector(1)',
          'count(ALERTS{alertstate="pending"}) > 1',
        ])
      : `${this.#expression()} ${operator} ${this.#whole(0, 40)}`;
  }

  #expression(): string {
    const metric =
      this.#chance(0.3) && this.#recorded > 0
        ? `r:${this.#whole(0, this.#recorded - 1)}`
        : this.#pick(METRICS);
    const selector = `${metric}${this.#pick(['', '', '{a="x"}', '{b!="2"}', '{a=~"x|y"}'])}`;
    return this.#pick([
      selector,
      selector,
      `sum by (a) (${selector})`,
      `max without (b) (${selector})`,
      `delta(${selector}[287s])`,
      `max_over_time(${selector}[167s])`,
      `${selector} * 2`,
      `${selector} offset 2m`,
      `count(${selector})`,
      `sum(${selector}) / count(${selector})`,
      `changes(${selector}[287s:1m])`,
      `abs(${selector} - 10)`,
    ]);
  }

  #test(name: string): WrittenTest {
    return {
      name,
      interval: INPUT_STEP,
      external_labels: { region: this.#pick(['eu', 'us']) },
      external_url: this.#pick(['', 'http://prometheus.example.org']),
      input_series: METRICS.flatMap((metric) =>
        ['x', 'y'].flatMap((a) =>
          this.#times(0, 2, (b) => ({ series: `${metric}{a="${a}",b="${b}"}`, values: this.#values() })),
        ),
      ),
      alert_rule_test: this.#times(2, 8, () => ({
        eval_time: this.#evalTime(),
        alertname: `A${this.#whole(0, Math.max(0, this.#alerts - 1))}`,
        exp_alerts: [],
      })),
      promql_expr_test: this.#times(1, 5, () => ({
        eval_time: this.#evalTime(),
        expr: this.#chance(0.2) ? this.#pick(['ALERTS', 'ALERTS_FOR_STATE', 'time()']) : this.#expression(),
        exp_samples: [],
      })),
    };
  }

  /** The first two points are there: what is missing at the beginning would be on the end of a look-back. */
  #values(): string {
    const items = this.#times(1, 6, () => {
      const start = this.#whole(-5, 40);
      const count = this.#whole(0, 12);
      return this.#pick([
        `${start}`,
        `${start}x${count}`,
        `${start}+${this.#whole(0, 5)}x${count}`,
        `${start}-${this.#whole(0, 3)}.5x${count}`,
        '_',
        `_x${count}`,
        'stale',
      ]);
    });
    return `${this.#whole(0, 30)} ${this.#whole(0, 30)} ${items.join(' ')}`;
  }

  /** Sometimes between two evaluations, never where a range or a look-back would begin on a sample. */
  #evalTime(): string {
    const minute = this.#whole(0, LAST_MINUTE);
    return this.#chance(0.7) ? `${minute}m` : `${minute}m${this.#pick(['7s', '31s', '59s'])}`;
  }

  #times<Value>(least: number, most: number, make: (place: number) => Value): Value[] {
    return Array.from({ length: this.#whole(least, most) }, (_, place) => make(place));
  }

  #whole(least: number, most: number): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  #pick<Value>(values: readonly Value[]): Value {
    const value = values[this.#whole(0, values.length - 1)];
    if (value === undefined) throw new Error('there is nothing to choose from');
    return value;
  }

  #shuffled<Value>(values: readonly Value[]): readonly Value[] {
    return values
      .map((value) => ({ value, place: this.#random.next() }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ value }) => value);
  }
}
