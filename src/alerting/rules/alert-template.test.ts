import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { AlertTemplate } from './alert-template.ts';

const data = {
  labels: { instance: 'db1.example.com:9090', job: 'api', severity: '' },
  externalLabels: { region: 'eu' },
  value: 1234567,
};
const host = {
  externalUrl: 'http://omoi.example:4600/base/',
  timeMs: Date.UTC(2026, 0, 1),
  query: (expression: string) =>
    expression === 'up'
      ? [
          { labels: { instance: 'b' }, value: 1 },
          { labels: { instance: 'a' }, value: 0 },
        ]
      : [],
};

const expand = (text: string, value = data.value): string =>
  new AlertTemplate(text, 'Down').expand({ ...data, value }, host);

describe('an alert template', () => {
  it.each([
    ['plain', 'plain'],
    ['{{ $labels.instance }} is down', 'db1.example.com:9090 is down'],
    ['{{$labels.job}}/{{ .Labels.job }}', 'api/api'],
    ['[{{ $labels.missing }}]', '[]'],
    ['{{ $value }}', '1.234567e+06'],
    ['{{ .Value | humanize }}', '1.235M'],
    ['{{ humanize1024 $value }}', '1.177Mi'],
    ['{{ $value | printf "%.2f" }}', '1234567.00'],
    [
      '{{ printf "%s has %8.1f|%-6s|%+d|%q" $labels.job $value "x" 3 "a\\"b" }}',
      'api has 1234567.0|x     |+3|"a\\"b"',
    ],
    ['{{ printf "%d" $value }}', '%!d(float64=1.234567e+06)'],
    ['{{ printf "%s" }}', '%!s(MISSING)'],
    ['{{ $labels }}', 'map[instance:db1.example.com:9090 job:api severity:]'],
    ['a {{- "b" -}} c', 'abc'],
    ['a{{/* note */}}b', 'ab'],
    ['{{ if $labels.severity }}yes{{ else if eq $labels.job "api" }}api{{ else }}no{{ end }}', 'api'],
    ['{{ if gt $value 10.0 }}high{{ end }}', 'high'],
    ['{{ if and $labels.job (not $labels.severity) }}both{{ end }}', 'both'],
    ['{{ with $labels.job }}<{{ . }}>{{ end }}', '<api>'],
    ['{{ range $i, $e := query "up" }}{{ $i }}={{ $e.Labels.instance }};{{ end }}', '0=b;1=a;'],
    ['{{ range query "up" | sortByLabel "instance" }}{{ .Labels.instance }}{{ .Value }} {{ end }}', 'a0 b1 '],
    ['{{ range query "none" }}x{{ else }}nothing{{ end }}', 'nothing'],
    ['{{ with query "up" }}{{ . | first | value }}{{ end }}', '1'],
    ['{{ query "up" | first | label "instance" }}', 'b'],
    ['{{ $x := "a" }}{{ if true }}{{ $x = "b" }}{{ end }}{{ $x }}', 'b'],
    ['{{ range $k, $v := $labels }}{{ if eq $k "job" }}{{ break }}{{ end }}{{ $k }}{{ end }}', 'instance'],
    ['{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" $labels.job }}', '[api]'],
    ['{{ index $labels "job" }}{{ len $labels.job }}', 'api3'],
    ['{{ reReplaceAll "([a-z]+)1.*" "$1" $labels.instance }}', 'db'],
    ['{{ match "^db" $labels.instance }}', 'true'],
    ['{{ stripPort $labels.instance }} {{ stripDomain $labels.instance }}', 'db1.example.com db1:9090'],
    ['{{ title "hello world" | toUpper }}', 'HELLO WORLD'],
    [
      '{{ $externalLabels.region }} {{ externalURL }} {{ pathPrefix }}',
      'eu http://omoi.example:4600/base/ /base',
    ],
    ['{{ 1767225600 | humanizeTimestamp }}', '2026-01-01 00:00:00 +0000 UTC'],
    ['{{ "a" | print "b" 1 2 }}', 'b1 2a'],
  ])('%s → %s', (text, expected) => {
    expect(expand(text)).toBe(expected);
  });

  it.each([
    [0, '0'],
    [5, '5'],
    [0.25, '0.25'],
    [100000, '100000'],
    [1000000, '1e+06'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [-1.5, '-1.5'],
  ])('prints the value %s as Go does: %s', (value, expected) => {
    expect(expand('{{ $value }}', value)).toBe(expected);
  });

  it.each([
    [0, '0s'],
    [0.0015, '1.5ms'],
    [59.9, '59.9s'],
    [60, '1m 0s'],
    [90061, '1d 1h 1m 1s'],
    [-3661, '-1h 1m 1s'],
  ])('humanizes the duration %s as %s', (value, expected) => {
    expect(expand('{{ humanizeDuration $value }}', value)).toBe(expected);
  });

  it.each([
    ['{{ first (query "none") }}', 'error calling first: first() called on vector with no elements'],
    ['{{ if gt $value 10 }}{{ end }}', 'incompatible types for comparison'],
    ['{{ $value.x }}', "can't evaluate field x in type float64"],
    ['{{ toUpper $value }}', 'expected string; got float64'],
    ['{{ humanize "abc" }}', 'parsing "abc": invalid syntax'],
    ['{{ template "gone" }}', 'template "gone" not defined'],
    ['{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}', 'maximum template depth'],
    ['{{ range 100000 }}0123456789{{ end }}', 'exceeds 65536 characters'],
  ])('%s says in the text why it failed', (text, reason) => {
    expect(expand(text)).toMatch(/^<error expanding template: .*>$/);
    expect(expand(text)).toContain(reason);
  });

  it.each([
    ['{{ $label.foo }}', 'undefined variable "$label"'],
    ['{{ nosuch 1 }}', 'function "nosuch" not defined'],
    ['{{ if true }}', 'unexpected EOF'],
    ['{{ end }}', 'unexpected {{end}}'],
    ['{{ $value', 'unclosed action'],
    ['{{ }}', 'missing value for command'],
    ['{{ "a }}', 'unterminated quoted string'],
    ['{{ break }}', 'outside {{range}}'],
    ['{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}', 'undefined variable "$x"'],
    ['{{/* a', 'unclosed comment'],
  ])('%s is refused: %s', (text, reason) => {
    const parse = (): unknown => new AlertTemplate(text, 'Down');
    expect(parse).toThrow(expect.objectContaining({ name: 'TemplateSyntaxError' }));
    expect(parse).toThrow(reason);
  });
});

/**
 * Each line a template and what Prometheus 2.42 (promtool, Go 1.19) made of it for the labels and the value below:
 * its text, or null where it refuses to parse it. Columns count from 1 and in the template's own text.
 */
const ROWS = readFileSync(new URL('testdata/promtool-templates.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as readonly [string, string | null]);

describe('templates as Prometheus expands them', () => {
  const labels = { __name__: 'm', instance: 'db1.example.com:9090', job: 'api' };
  const prometheus = {
    externalUrl: 'http://omoi.example:4600/base',
    timeMs: 60_000,
    query: (expression: string) =>
      expression === 'up'
        ? [
            { labels: { __name__: 'up', instance: 'a' }, value: 0 },
            { labels: { __name__: 'up', instance: 'b' }, value: 1 },
          ]
        : [],
  };

  it.each(ROWS)('%j → %j', (text, expected) => {
    const expandText = (): string =>
      new AlertTemplate(text, 'A').expand(
        { labels, value: 1234567, externalLabels: { region: 'eu' } },
        prometheus,
      );
    if (expected === null) expect(expandText).toThrow();
    else expect(expandText()).toBe(expected);
  });
});
