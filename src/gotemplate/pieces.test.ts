import { describe, expect, it } from 'vitest';
import { unpaced } from '#telemetry';
import { MESSAGE_FUNCTION_NAMES, messageTemplateFunctions } from './alertmanager/functions.ts';
import { Patterns } from './functions/regular-expressions.ts';
import { MAX_WHOLE_CHARACTERS } from './html/write-value.ts';
import { PIECE_CHARACTERS } from './pieces.ts';
import { TemplateSet, type TemplateForm } from './template.ts';
import { TimeZones } from './time/zones.ts';
import { GoMap } from './values/value.ts';

const set = new TemplateSet({
  functionNames: MESSAGE_FUNCTION_NAMES,
  limits: { maxCharacters: 1024 * 1024, maxSteps: 500_000, charactersPerStep: 16 },
});

const functions = () =>
  messageTemplateFunctions({
    nowMs: 0,
    zones: new TimeZones(),
    patterns: new Patterns(),
    *routeLabel(name) {
      yield;
      return name;
    },
  });

function expanding(template: string, text: string, form: TemplateForm = 'text'): Generator<void, string> {
  return set.expand(template, { data: GoMap.ofTexts({ text }), functions: functions() }, form);
}

/** What comes out, and how many pauses were offered on the way. */
function withPauses(work: Generator<void, string>): { text: string; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const step = work.next();
    if (step.done) return { text: step.value, pauses };
  }
}

/** Seven units of text, of which one character is two of them. */
const UNIT = 'ßa <"😀';
const COUNT = 20_000;
const LONG = UNIT.repeat(COUNT);
const PIECES = Math.floor(LONG.length / PIECE_CHARACTERS);

describe('a long text', () => {
  it.each<[template: string, form: TemplateForm]>([
    ['{{ .text | toUpper }}', 'text'],
    ['{{ .text | toLower }}', 'text'],
    ['{{ .text | title }}', 'text'],
    ['{{ .text | html }}', 'text'],
    ['{{ .text | js }}', 'text'],
    ['{{ .text | urlquery }}', 'text'],
    ['{{ .text | reReplaceAll "[a-z]" "xy" }}', 'text'],
    ['{{ printf "%s" (.text | toUpper) | toLower }}', 'text'],
    ['<p>{{ .text }}', 'html'],
    ['<p title="{{ .text }}">', 'html'],
    ['<p title={{ .text }}>', 'html'],
    ['<a href="/?q={{ .text }}">', 'html'],
    ['<script>f("{{ .text }}")</script>', 'html'],
  ])('is the same in pieces as each of its parts: %s', (template, form) => {
    const whole = withPauses(expanding(template, LONG, form));
    const [before = '', after = ''] = template.split(/\{\{.*\}\}/);
    const part = unpaced(expanding(template, UNIT, form));
    const inside = part.slice(before.length, part.length - after.length);
    expect(whole.text).toBe(before + inside.repeat(COUNT) + after);
    expect(whole.pauses).toBeGreaterThanOrEqual(PIECES);
  });

  it.each<[template: string, form: TemplateForm]>([
    ['{{ printf "%q" .text }}', 'text'],
    ['{{ printf "%+q" (slice .text 0 70000) }}', 'text'],
    ['{{ toJson .text }}', 'text'],
    ['<script>f({{ .text }})</script>', 'html'],
  ])('is quoted in pieces: %s', (template, form) => {
    const { text, pauses } = withPauses(expanding(template, LONG, form));
    const quoted = /^[^"]*"(?<inside>.*)"[^"]*$/s.exec(text)?.groups?.['inside'] ?? '';
    const part = unpaced(expanding(template.replace('70000', '10'), UNIT, form));
    const inside = /^[^"]*"(?<inside>.*)"[^"]*$/s.exec(part)?.groups?.['inside'] ?? '';
    expect(quoted.length / inside.length).toBeGreaterThan(5_000);
    expect(quoted).toBe(inside.repeat(quoted.length / inside.length));
    expect(pauses).toBeGreaterThan(3);
  });

  it.each([
    ['list with many', '{{ $l := list "a" }}{{ range 14 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}'],
    ['list that is printed', '{{ $l := list "a" }}{{ range 14 }}{{ $l = list $l $l }}{{ end }}{{ $l }}'],
    [
      'list in quotes',
      '{{ $l := list "a" }}{{ range 14 }}{{ $l = list $l $l }}{{ end }}{{ printf "%q" $l }}',
    ],
  ])('a %s parts is written with pauses', (_, template) => {
    const { text, pauses } = withPauses(expanding(template, ''));
    expect(text.match(/a/g)).toHaveLength(2 ** 14);
    expect(pauses).toBeGreaterThanOrEqual(3);
  });

  it('ends as soon as what is made of it is too long', () => {
    const marks = '<'.repeat(900_000);
    const work = expanding('{{ .text | html }}', marks);
    expect(() => withPauses(work)).toThrow('the text exceeds 1048576 characters');
    const joined = '{{ $s := stringSlice .text .text }}{{ join "," $s }}';
    expect(() => withPauses(expanding(joined, marks))).toThrow(
      'error calling join: the text exceeds 1048576 characters',
    );
  });

  it.each([
    ['{{ printf "%x" .text }}', Buffer.from(LONG).toString('hex')],
    ['{{ printf "%.9s|" .text }}', 'ßa <"😀ßa |'],
    ['{{ printf "%140001s" .text }}', ' '.repeat(140_001 - 6 * COUNT) + LONG],
  ])('is written whole: %s', (template, written) => {
    expect(unpaced(expanding(template, LONG))).toBe(written);
  });

  it('of white space is trimmed as fast as any other', () => {
    const spaces = ' '.repeat(500_000);
    expect(unpaced(expanding('{{ .text | trimSpace }}|', `${spaces}x${spaces}y${spaces}`))).toBe(
      `x${spaces}y|`,
    );
    expect(unpaced(expanding('{{ .text | trimSpace }}|', spaces))).toBe('|');
  });

  it.each([
    '<a href="{{ .text }}">',
    '<a href="/{{ .text }}">',
    '<img srcset="{{ .text }}">',
    '<p style="color: {{ .text }}">',
    `<p style="font-family: '{{ .text }}'">`,
    '<p title="{{ .text | safeHtml }}">',
  ])('may have 16384 characters in %s', (template) => {
    const longest = 'x'.repeat(MAX_WHOLE_CHARACTERS);
    expect(unpaced(expanding(template, longest, 'html'))).toContain(longest);
    expect(() => unpaced(expanding(template, `${longest}x`, 'html'))).toThrow(
      `a value has ${MAX_WHOLE_CHARACTERS + 1} characters`,
    );
  });
});

describe('an action with many calls', () => {
  it('is left for a pause, and gives what it would in one go', () => {
    const calls = Array.from({ length: 5000 }, (_, place) => `(len "${'x'.repeat(place % 7)}")`).join(' ');
    const { text, pauses } = withPauses(expanding(`{{ print ${calls} }}`, ''));
    expect(text.split(' ').slice(0, 9).join('')).toBe('012345601');
    expect(pauses).toBeGreaterThanOrEqual(1);
  });

  it('calls nothing twice', () => {
    let calls = 0;
    const counting = {
      get: (name: string) =>
        name === 'now'
          ? {
              parameters: [],
              isVariadic: false,
              call: () => {
                calls++;
                return 'n'.repeat(PIECE_CHARACTERS);
              },
            }
          : functions().get(name),
    };
    const template = `{{ print ${'(now | toUpper) '.repeat(20)} }}`;
    const { text, pauses } = withPauses(
      set.expand(template, { data: GoMap.ofTexts({}), functions: counting }),
    );
    expect(text).toBe('N'.repeat(20 * PIECE_CHARACTERS));
    expect([calls, pauses > 3]).toEqual([20, true]);
  });

  it('names the place of what fails behind a pause', () => {
    const work = expanding(
      '{{ $x := .text | toUpper }}\n{{ printf "%s" (.text | toLower) | base64decode }}',
      LONG,
    );
    expect(() => withPauses(work)).toThrow(
      /text:2:\d+: executing "text" at <base64decode>: error calling base64decode/,
    );
  });
});
