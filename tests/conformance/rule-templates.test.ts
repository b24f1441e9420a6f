import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSeededRandom, type Random } from '#telemetry';
import { describe, expect, it } from 'vitest';
import { AlertTemplate } from '../../src/alerting/rules/alert-template.ts';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import { isPrometheusInstalled } from './promql/prometheus-server.ts';

/*
 * Random templates, expanded here and by a real promtool: what printf makes of any verb, flag, width and value, and how
 * Prometheus's functions round. What people write is among the rows of `alert-template.test.ts`.
 */

const LABELS = { __name__: 'm', instance: 'db1.example.com:9090', job: 'api' };
const HALVES = [
  0.5, 1.5, 2.5, 0.125, 0.375, 999.25, 999.5, 999.95, 1023.5, 59.9, 86399.9, 0.0005, 1e20, 1e21,
];

class TemplateGenerator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  template(): string {
    return this.#random.next() < 0.4 ? this.#functions() : this.#printf();
  }

  #functions(): string {
    const number = this.#number();
    return [
      'humanize',
      'humanize1024',
      'humanizeDuration',
      'humanizePercentage',
      'humanizeTimestamp',
      'print',
    ]
      .map((name) => `{{ ${name} ${number} }}`)
      .join(' ');
  }

  #printf(): string {
    const flags = ['+', '-', '0', ' '].filter(() => this.#random.next() < 0.15).join('');
    const width = this.#random.next() < 0.4 ? String(this.#below(14)) : '';
    const precision = this.#random.next() < 0.5 ? `.${this.#below(9)}` : '';
    const verb = `%${flags}${width}${precision}${this.#pick('eEfFgGvxXbdsqctoU'.split(''))}`;
    const value = this.#pick([
      this.#number(),
      this.#number(),
      String(this.#below(1000) - 500),
      '"héllo\\t"',
      '"abc"',
      'true',
      '$labels',
      '65',
    ]);
    return `{{ printf ${JSON.stringify(`[${verb}]`)} ${value} }}`;
  }

  /** A float constant: halves, and numbers of any size and length. */
  #number(): string {
    const size = this.#random.next() * 10 ** (this.#below(30) - 12);
    const digits = Number(size.toPrecision(this.#pick([1, 2, 3, 4, 5, 17])));
    const text = String(this.#random.next() < 0.3 ? this.#pick(HALVES) : digits);
    return `${this.#pick(['', '', '-'])}${/[.e]/.test(text) ? text : `${text}.0`}`;
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  #pick<Value>(values: readonly [Value, ...Value[]] | readonly Value[]): Value {
    const picked = values[this.#below(values.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
}

/** What promtool expands each template to, for the labels above and the value 1234567: in Go's quotes. */
function expandByPromtool(templates: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'omoi-promtool-'));
  const rules = templates.map((text, place) => ({ alert: `A${place}`, expr: 'm', annotations: { text } }));
  const wanted = templates.map((_, place) => ({
    eval_time: '1m',
    alertname: `A${place}`,
    exp_alerts: [{ exp_labels: {}, exp_annotations: {} }],
  }));
  const { __name__: name, ...labels } = LABELS;
  const matchers = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const tests = [
    {
      interval: '1m',
      input_series: [{ series: `${name}{${matchers.join(',')}}`, values: '1234567+0x5' }],
      alert_rule_test: wanted,
    },
  ];
  writeFileSync(join(folder, 'rules.yml'), JSON.stringify({ groups: [{ name: 'g', rules }] }));
  writeFileSync(join(folder, 'test.yml'), JSON.stringify({ rule_files: ['rules.yml'], tests }));
  const run = spawnSync('promtool', ['test', 'rules', 'test.yml'], { cwd: folder, encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  const found = new Map(
    [
      ...run.stderr.matchAll(
        /alertname: A(\d+), time:[^]*?got:\[[^]*?Annotations:\{text=("(?:[^"\\]|\\.)*")\}/g,
      ),
    ].map(([, place, text = '']) => [Number(place), text]),
  );
  return templates.map((_, place) => found.get(place) ?? `nothing in:\n${run.stderr.slice(0, 500)}`);
}

describe.skipIf(!isPrometheusInstalled())(
  `templates beside promtool, OMOI_SEED=${propertySeed} (skipped without it: apt-get install prometheus)`,
  () => {
    it('come out the same', () => {
      const generator = new TemplateGenerator(createSeededRandom(propertySeed));
      const templates = Array.from({ length: propertyRuns(300) }, () => generator.template());
      const host = { externalUrl: 'http://localhost', timeMs: 60_000, query: () => [] };
      const data = { labels: LABELS, value: 1234567, externalLabels: {} };
      const expanded = templates.map((text, place) =>
        withPrefix(new AlertTemplate(text, `A${place}`).expand(data, host)),
      );
      const byPromtool = expandByPromtool(templates).map(unquote);
      expect(templates.map((text, place) => [text, expanded[place]])).toEqual(
        templates.map((text, place) => [text, byPromtool[place]]),
      );
    });
  },
);

/** What Prometheus puts before a template; its columns count that, and from 0. */
const PREFIX =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';

/** A message of ours with the columns that Prometheus would give. */
function withPrefix(text: string): string {
  return text.replace(/(?<=__alert_A\d+:1:)\d+/, (column) => String(Number(column) + PREFIX.length - 1));
}

/** The text in Go's quotes: JSON has other escapes for bytes, bell and vertical tab. */
function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  const asJson = text.replace(
    /\\(?:x([0-9a-f]{2})|(.))/g,
    (escape: string, byte: string | undefined, letter: string | undefined) => {
      if (byte !== undefined) return `\\u00${byte}`;
      return letter === 'a' ? '\\u0007' : letter === 'v' ? '\\u000b' : escape;
    },
  );
  return JSON.parse(asJson) as string;
}
