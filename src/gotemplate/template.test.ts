import { describe, expect, it } from 'vitest';
import { unpaced } from '#telemetry';
import { fixed, variadic } from './functions/function-set.ts';
import { MAX_TEXT_CHARACTERS } from './limits.ts';
import { durationValue } from './time/duration.ts';
import { GoTime } from './time/time.ts';
import { GoTemplate, MAX_KEPT_TEXTS, type TemplateRun, TemplateSet } from './template.ts';
import { TemplateSyntaxError } from './syntax/syntax-error.ts';
import {
  type FunctionDefinition,
  GoFunction,
  GoMap,
  GoSlice,
  GoStruct,
  type TemplateValue,
  textOf,
} from './values/value.ts';

const joined: FunctionDefinition = fixed(['string', '[]string'], ([separator, list = null]) =>
  list instanceof GoSlice ? list.items.map(textOf).join(textOf(separator)) : '',
);
const functions = new Map<string, FunctionDefinition>([
  ['join', joined],
  ['stringSlice', variadic(['string'], (args) => new GoSlice(args, '[]string'))],
  ['fail', fixed([], () => failing())],
]);

function failing(): never {
  throw new Error('out of order');
}

const alerts = new GoSlice(['a', 'b'], 'template.Alerts', {
  methods: new Map([['Firing', fixed([], () => new GoSlice(['a']))]]),
});
const data = new GoStruct(
  'template.Data',
  new Map<string, TemplateValue>([
    ['Status', 'firing'],
    ['Alerts', alerts],
    ['Labels', GoMap.ofTexts({ job: 'api', zone: 'b', area: 'é' })],
    ['Nothing', null],
    ['StartsAt', GoTime.ofMs(Date.UTC(2026, 0, 2, 3, 4, 5, 60))],
    ['Paris', GoTime.ofMs(Date.UTC(2026, 6, 1), { name: 'CEST', offsetSeconds: 7200 })],
    ['For', durationValue(90_061_500_000_000n)],
    ['Join', new GoFunction(joined)],
  ]),
);

const run = (text: string): string =>
  new GoTemplate(text, { name: 't', functionNames: new Set(functions.keys()) }).run({ data, functions });

const expand = (set: TemplateSet, text: string, options: TemplateRun): string =>
  unpaced(set.expand(text, options));

describe('a Go template', () => {
  it.each([
    ['{{ .Status }} {{ $.Status | printf "%-8s|" }}', 'firing firing  |'],
    ['{{ .Nothing }} {{ .Nothing.deeper }} {{ print .Nothing }}', '<no value> <no value> <nil>'],
    ['{{ .Alerts.Firing }} of {{ len .Alerts }}: {{ range .Alerts }}{{ . }}{{ end }}', '[a] of 2: ab'],
    ['{{ range $i := 3 }}{{ $i }}{{ end }}{{ range 0 }}{{ else }} none{{ end }}', '012 none'],
    ['{{ with .Nothing }}{{ else with .Status }}{{ . }}{{ else }}x{{ end }}', 'firing'],
    ['{{ range $k, $v := .Labels }}{{ $k }}={{ $v }} {{ end }}', 'area=é job=api zone=b '],
    ['{{ stringSlice "a" "b" | join "," }}', 'a,b'],
    ['{{ call .Join "-" (stringSlice "x" "y") }}', 'x-y'],
    ['{{ if .Join }}is{{ end }} {{ not .Join }}', 'is false'],
    ['{{ block "b" .Labels }}[{{ .job }}]{{ end }}', '[api]'],
    ['{{ template "later" 5 }}{{ define "later" }}{{ . }}{{ $ }}{{ end }}', '55'],
    ['{{ .StartsAt.Format "2006-01-02 15:04:05.000 Mon" }}', '2026-01-02 03:04:05.060 Fri'],
    ['{{ .StartsAt.Unix }} {{ .StartsAt.Month }} {{ printf "%d" .StartsAt.Month }}', '1767323045 January 1'],
    [
      '{{ .Paris }} {{ .Paris.Format "Z07:00 -0700 MST" }} {{ .Paris.Hour }}',
      '2026-07-01 02:00:00 +0200 CEST +02:00 +0200 CEST 2',
    ],
    ['{{ .For }} {{ .For.Hours }} {{ .For.Milliseconds }}', '25h1m1.5s 25.017083333333332 90061500'],
    ['{{ .StartsAt.Add .For }}', '2026-01-03 04:05:06.56 +0000 UTC'],
    ['{{ (.StartsAt.Add .For).Sub .StartsAt }} {{ .StartsAt.Before (.StartsAt.Add 1) }}', '25h1m1.5s true'],
    ['{{ printf "%v %+v" .Alerts .Labels }}', '[a b] map[area:é job:api zone:b]'],
    ['{{ or 1 (fail) }}{{ and 0 (fail) }}', '10'],
  ])('%s → %s', (text, expected) => {
    expect(run(text)).toBe(expected);
  });

  it.each([
    [
      '{{ .Missing }}',
      `template: t:1:4: executing "t" at <.Missing>: can't evaluate field Missing in type template.Data`,
    ],
    ['a\n{{ fail }}', 'template: t:2:4: executing "t" at <fail>: error calling fail: out of order'],
    ['{{ .Join }}', `can't print .Join of type func(string, []string) interface {}`],
    ['{{ call .Join 1 2 }}', 'arg 0: value has type int; should be string'],
    ['{{ call .Join "a" }}', 'wrong number of args for call: want 2 got 1'],
    ['{{ join "," .Labels }}', 'wrong type for value; expected []string; got map[string]string'],
    ['{{ eq .Alerts .Alerts }}', 'non-comparable type template.Alerts'],
    ['{{ range .Status }}{{ end }}', `range can't iterate over firing`],
  ])('%s fails with %s', (text, reason) => {
    expect(() => run(text)).toThrow(reason);
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'has no field %s of its own',
    (name) => {
      expect(run(`{{ .Labels.${name} }}|{{ index .Labels "${name}" }}`)).toBe('|');
      expect(() => run(`{{ .${name} }}`)).toThrow(`can't evaluate field ${name}`);
      expect(() => run(`{{ .Status.${name} }}`)).toThrow(`can't evaluate field ${name}`);
      expect(() => run(`{{ ${name} }}`)).toThrow(TemplateSyntaxError);
      expect(() => run(`{{ template "${name}" }}`)).toThrow('not defined');
    },
  );
});

describe('what a template may cost', () => {
  it.each([
    ['{{ range 100000 }}0123456789{{ end }}', `exceeds ${MAX_TEXT_CHARACTERS} characters`],
    ['{{ range 1000000000 }}{{ end }}', 'exceeded 100000 steps'],
    ['{{ $x := "ab" }}{{ range 60 }}{{ $x = print $x $x }}{{ end }}', 'exceeds 65536 characters'],
    ['{{ printf "%1000000d" 1 }}', 'exceeds 65536 characters'],
    ['{{ printf "%.1000000f" 1.0 }}', 'exceeds 65536 characters'],
    ['{{ printf "%*d" 1000000 1 }}', '%!(BADWIDTH)1'],
    [
      '{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}',
      'exceeded maximum template depth (100)',
    ],
    [
      `{{ define "t" }}${'{{ if true }}'.repeat(150)}{{ template "t" }}${'{{ end }}'.repeat(150)}{{ end }}{{ template "t" }}`,
      'nested deeper than 1000',
    ],
    [`{{ ${'('.repeat(300)}1${')'.repeat(300)} }}`, 'nested deeper than 200'],
    ['{{ if true }}'.repeat(300) + '{{ end }}'.repeat(300), 'nested deeper than 200'],
    [
      `{{ $x := print "${'a'.repeat(60_000)}" }}{{ range 5000 }}{{ if eq (len $x) 1 }}{{ end }}{{ end }}`,
      'exceeded 100000 steps',
    ],
  ])('%.60s is bounded: %s', (text, limit) => {
    const outcome = ((): string => {
      try {
        return run(text);
      } catch (thrown) {
        return String(thrown);
      }
    })();
    expect(outcome).toContain(limit);
  });

  it('does not print what shares its parts without end', () => {
    let value: TemplateValue = 'ab';
    for (let depth = 0; depth < 60; depth++) value = new GoSlice([value, value]);
    const template = new GoTemplate('{{ . }}', { name: 't', functionNames: new Set() });
    expect(() => template.run({ data: value, functions: new Map() })).toThrow('exceeds 65536 characters');
    for (let depth = 0; depth < 20_000; depth++) value = new GoSlice([value]);
    expect(() => template.run({ data: value, functions: new Map() })).toThrow('nested too deeply');
  });
});

describe('a set of templates', () => {
  const names = new Set(functions.keys());

  it('finds what any of its texts defines, the latest of a name', () => {
    const set = new TemplateSet({ functionNames: names });
    set.add(
      '{{ define "title" }}old{{ end }}{{ define "text" }}{{ template "title" . }}!{{ end }}',
      'a.tmpl',
    );
    set.add('{{ define "title" }}[{{ .Status }}]{{ end }} text outside', 'b.tmpl');
    expect(set.has('title')).toBe(true);
    expect(set.has('other')).toBe(false);
    expect(expand(set, '{{ template "text" . }}', { data, functions })).toBe('[firing]!');
    expect(expand(set, '{{ define "title" }}x{{ end }}{{ template "text" . }}', { data, functions })).toBe(
      'x!',
    );
    expect(expand(set, '{{ template "text" . }}', { data, functions })).toBe('[firing]!');
  });

  it('takes no definition of its own for the empty one of a later text', () => {
    const set = new TemplateSet({ functionNames: names });
    set.add('{{ define "a" }}first{{ end }}', 'a.tmpl');
    set.add('{{ define "a" }} {{/* nothing */}} {{ end }}{{ define "b" }}{{ end }}', 'b.tmpl');
    expect(expand(set, '{{ template "a" . }}|{{ template "b" . }}', { data, functions })).toBe('first|');
  });

  it('goes on when more texts were run than it keeps', () => {
    const set = new TemplateSet({ functionNames: names });
    for (let turn = 0; turn <= MAX_KEPT_TEXTS + 1; turn++) {
      expect(expand(set, `{{ .Status }} ${turn}`, { data, functions })).toBe(`firing ${turn}`);
    }
    expect(expand(set, '{{ .Status }} 0', { data, functions })).toBe('firing 0');
  });

  it('knows the calls of templates that do not exist, wherever they stand', () => {
    const set = new TemplateSet({ functionNames: names });
    set.add(
      '{{ define "a" }}{{ range . }}x{{ else }}{{ with . }}{{ template "b" }}{{ end }}{{ end }}{{ end }}',
      'a.tmpl',
    );
    expect(set.undefinedCall()).toBe('a.tmpl:1:65: template "b" not defined');
    set.add('{{ define "b" }}b{{ end }}', 'b.tmpl');
    expect(set.undefinedCall()).toBe(null);
  });

  it('says in which text something failed', () => {
    const set = new TemplateSet({ functionNames: names });
    set.add('\n{{ define "bad" }}{{ .Nope }}{{ end }}', 'a.tmpl');
    expect(() => expand(set, '{{ template "bad" . }}', { data, functions })).toThrow(
      'template: a.tmpl:2:22: executing "bad" at <.Nope>',
    );
  });
});
