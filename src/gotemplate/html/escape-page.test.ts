import fc from 'fast-check';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { unpaced } from '#telemetry';
import { MESSAGE_FUNCTION_NAMES, messageTemplateFunctions } from '../alertmanager/functions.ts';
import { Patterns } from '../functions/regular-expressions.ts';
import { TemplateSet } from '../template.ts';
import { TimeZones } from '../time/zones.ts';
import { GoMap } from '../values/value.ts';
import { readPage } from './page-reader.test-support.ts';

const functions = messageTemplateFunctions({
  nowMs: 0,
  zones: new TimeZones(),
  patterns: new Patterns(),
  *routeLabel() {
    yield;
    return '';
  },
});
const set = new TemplateSet({ functionNames: MESSAGE_FUNCTION_NAMES });

const page = (text: string, value = ''): string =>
  unpaced(set.expand(text, { data: GoMap.ofTexts({ value }), functions }, 'html'));

describe('a value in a page', () => {
  // What amtool's Go is too old for; the rest is held against it in tests/conformance.
  it.each([
    ['<a href="{{ safeUrl "javascript:ok()" }}">', '<a href="javascript:ok%28%29">'],
    ['<a href="/search?{{ "q=test%20foo" | safeUrl }}">', '<a href="/search?q=test%20foo">'],
    ['<a href="/search?{{ "q=test%20foo" }}"></a>', '<a href="/search?q%3dtest%2520foo"></a>'],
    ['<img srcset="{{ safeUrl "/a,b c" }}">', '<img srcset="/a%2cb%20c">'],
    ['<p title={{ "" }}>', '<p title=ZgotmplZ>'],
    ['<p title=x{{ safeHtml "" }}>', '<p title=xZgotmplZ>'],
    ['<p style="color: {{ "a<b" }}">', '<p style="color: ZgotmplZ">'],
    [
      '<meta http-equiv="refresh" content="0; url={{ "javascript:x" }}">',
      '<meta http-equiv="refresh" content="0; url=#ZgotmplZ">',
    ],
    ['<meta content="a {{ "\\"b" }}; url = {{ "/c" }}">', '<meta content="a &#34;b; url = /c">'],
    [
      '<script>f({{ dict "a" "</script>" }}, {{ 1 }})</script>',
      '<script>f({"a":"\\u003c/script\\u003e"},  1 )</script>',
    ],
  ])('%s → %s', (text, expected) => {
    expect(page(text)).toBe(expected);
  });

  it.each([
    ['<script>var a = x / {{ 1 }}</script>', 'behind a slash, a backquote or <!-- in a script'],
    ['<script>var a = `{{ 1 }}`</script>', 'behind a slash, a backquote or <!-- in a script'],
    ['<script>var a = "\\{{ 1 }}"</script>', 'right behind a backslash'],
    ['<p title="{{ 1 }}', 'the page ends in the middle of'],
    ['a\n<b {{ if .value }}title="{{ end }}>', 'text:2:10: the ways of {{if}} end in different places'],
    [
      '<a href="{{ if .value }}?{{ end }}{{ 1 }}">',
      'text:1:38: it is not clear whether the value is in the query',
    ],
    ['{{ template "none" }}', 'text:1:13: template "none" not defined'],
    ['{{ "a" | html | toUpper }}', '"html" may only stand last'],
    [
      '{{ define "t" }}"{{ if .value }}{{ template "t" . }}{{ end }}{{ end }}<p title={{ template "t" . }}>',
      'in the name of an attribute',
    ],
  ])('%s is refused: %s', (text, reason) => {
    expect(() => page(text)).toThrow(reason);
    expect(() => {
      set.check(text, 'html');
    }).toThrow(reason);
  });

  it('leaves a script without values as it is written', () => {
    const script = '<script>var a = b / c, d = /["\']/g, e = `x${f}`;</script><b>{{ .value }}</b>';
    expect(page(script, '<')).toBe(script.replace('{{ .value }}', '&lt;'));
  });
});

const FRAGMENTS = [
  '<',
  '>',
  '"',
  "'",
  '`',
  '&',
  '/',
  '\\',
  ' ',
  '=',
  ';',
  ':',
  '(',
  ')',
  '{',
  '}',
  '--',
  '-->',
  '<!--',
  '</script>',
  '</title>',
  '</textarea>',
  '</style>',
  '<script>alert(1)</script>',
  'javascript:',
  'data:text/html,',
  'onclick=alert(1)',
  'expression(',
  'url(',
  '&#34;',
  '&quot;',
  '%22',
  '\n',
  '\t',
  '${x}',
  '\u2028',
  '😀',
  'abc',
];

const hostile = fc.oneof(
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 8 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme' }),
);

const PAGE = `<p title="A{{ .value }}B" class='{{ .value }}' id=z{{ .value }} lang="x">{{ .value }}</p>
<a href="{{ .value }}" rel="y">1</a><a href='https://host/{{ .value }}?q={{ .value }}#{{ .value }}'>2</a>
<title>{{ .value }}</title><textarea>{{ .value }}</textarea>
<p style="color: {{ .value }}; background: url('{{ .value }}'); width: 1px">3</p>
<style>p { color: {{ .value }}; content: "{{ .value }}" } i { width: 1px }</style>
<script>report({{ .value }}, "{{ .value }}", '{{ .value }}');</script>
<b onclick="report({{ .value }}, '{{ .value }}')" data-{{ .value }}="1">4</b>
<!-- {{ .value }} --><i>end</i>`;

/** The tags of a page, and the names of what they have. */
const shape = (read: ReturnType<typeof readPage>): unknown =>
  read.map(({ name, attributes }) => [
    name,
    [...attributes.keys()].map((key) => key.replace(/^data-.*/, 'data')),
  ]);

const plainShape = shape(readPage(page(PAGE, 'plain')));

/** What a script hands to `report`, which is all that it may do. */
function reported(script: string): readonly unknown[] {
  let given: readonly unknown[] = [];
  runInNewContext(script, { report: (...args: readonly unknown[]) => (given = args) });
  return given;
}

describe('whatever a label says', () => {
  it('it is never more than a value where it stands, and the same value to who reads the page', () => {
    fc.assert(
      fc.property(hostile, (value) => {
        const read = readPage(page(PAGE, value));
        expect(shape(read)).toEqual(plainShape);
        const at = (place: number): { text: string; get: (name: string) => string } => {
          const tag = read[place];
          return { text: tag?.text ?? '', get: (name) => tag?.attributes.get(name) ?? '' };
        };
        const [paragraph, link, longLink] = [at(0), at(2), at(4)];
        expect(paragraph.get('title')).toBe(`A${value}B`);
        expect(paragraph.get('class')).toBe(value);
        expect(paragraph.get('id')).toBe(value === '' ? 'zZgotmplZ' : `z${value}`);
        expect(paragraph.text).toBe(value);
        expect(link.get('href')).toMatch(/^(?:https?:|mailto:|#ZgotmplZ$|[^:]*(?:[/?#]|$))/i);
        const { pathname, searchParams, hash, host } = new URL(longLink.get('href'));
        expect(host).toBe('host');
        expect(pathname.startsWith('/')).toBe(true);
        if (!/[?#]/.test(value)) {
          expect(searchParams.get('q')).toBe(value);
          expect(decodeURIComponent(hash.slice(1))).toBe(value);
        }
        expect([at(6).text, at(8).text]).toEqual([value, value]);
        expect(at(10).get('style')).toMatch(/^color: [^;]*; background: url\('[^'()\\]*'\); width: 1px$/);
        expect(at(12).text).toMatch(/^p \{ color: [^;{}]*; content: "[^"{}<]*" \} i \{ width: 1px \}$/);
        expect(reported(at(14).text)).toEqual([value, value, value]);
        expect(reported(at(16).get('onclick'))).toEqual([value, value]);
        expect(read.at(-2)?.text).toBe('end');
      }),
    );
  });
});
