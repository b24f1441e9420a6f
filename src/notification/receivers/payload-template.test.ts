import { expect, it } from 'vitest';
import { createSystemClock, SharedStretch } from '#telemetry';

import {
  maxIntegerDigits,
  maxYamlAliases,
  maxYamlCharacters,
  payloadJson,
  payloadValue,
  templatesOf,
} from './payload-template.ts';

const writing = new SharedStretch(createSystemClock());
/** Runs nothing but `{{ x }}`. */
const expand = { expand: async (text: string) => text.replaceAll('{{ x }}', 'X'), writing };

const same = { expand: async (text: string) => text, writing };

/** What texts become, as Alertmanager's DeepCopyWithTemplate with yaml.v2 has it. */
it.each<[string, unknown]>([
  ['plain {{ x }}', 'plain X'],
  ['', null],
  ['~', null],
  ['null', null],
  ['7', 7n],
  ['0x10', 16n],
  ['017', 15n],
  ['1_000', 1000n],
  ['18446744073709551615', 18_446_744_073_709_551_615n],
  ['1.5', 1.5],
  ['1e3', 1000],
  ['yes', true],
  ['n', false],
  ['on', true],
  ['1:30', '1:30'],
  ['2026-11-30', new Date(Date.UTC(2026, 10, 30))],
  ['"7"', '"7"'],
  ['[1, two]', [1n, 'two']],
  ['{"a": {"b": "yes", "c": yes}}', { a: { b: 'yes', c: true } }],
  ['{1: a, b: c}', { b: 'c' }],
  ['key: value', { key: 'value' }],
  ['{"a": 1.0, "b": [true, null, "1"]}', { a: 1, b: [true, null, '1'] }],
  [
    '{"n": 12345678901234567890, "f": 0.1234567890123456}',
    { n: 12_345_678_901_234_567_890n, f: 0.1234567890123456 },
  ],
  ['key: value: broken', 'key: value: broken'],
  ['[unclosed', '[unclosed'],
  ['@at', '@at'],
  ['{a: 1, a: 2}', { a: 2n }],
  // What is read is not run again.
  ['["{{ y }}", "a: b"]', ['{{ y }}', 'a: b']],
])('%j is read', async (text, expected) => {
  expect(await payloadValue(text, expand)).toEqual(expected);
});

it.each([
  [maxIntegerDigits, true],
  [maxIntegerDigits + 1, false],
  [1_000_000, false],
])('a whole number of %i digits is a number: %s', async (digits, isNumber) => {
  const text = '9'.repeat(digits);
  const [value] = (await payloadValue(`[${text}]`, expand)) as readonly unknown[];
  expect(typeof value).toBe(isNumber ? 'bigint' : 'string');
  expect(String(value) === text).toBe(true);
});

it('goes into lists and mappings, keys too, and leaves other values as they are', async () => {
  const template = { '{{ x }}': ['{{ x }}', 1, true, null], nested: { a: { b: '{{ x }}' } } };
  expect(await payloadValue(template, expand)).toEqual({
    X: ['X', 1, true, null],
    nested: { a: { b: 'X' } },
  });
  expect(await payloadJson(template, expand)).toBe('{"X":["X",1,true,null],"nested":{"a":{"b":"X"}}}');
});

it('is not made of a few lines that refer to each other without end', async () => {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (let depth = 0; depth < 8; depth++) {
    const name = String.fromCodePoint(97 + depth);
    const next = String.fromCodePoint(98 + depth);
    lines.push(`${next}: &${next} [${Array.from({ length: 10 }, () => `*${name}`).join(', ')}]`);
  }
  const text = lines.join('\n');
  // It is no YAML that can be read, and stays a text.
  expect(await payloadValue(text, same)).toBe(text);
});

it(`is YAML of ${maxYamlAliases} references, and stays a text with more`, async () => {
  const list = (references: number): string =>
    `[&a x, ${Array.from({ length: references }, () => '*a').join(', ')}]`;
  expect(await payloadValue(list(maxYamlAliases), same)).toHaveLength(maxYamlAliases + 1);
  expect(await payloadValue(list(maxYamlAliases + 1), same)).toBe(list(maxYamlAliases + 1));
});

it(`reads JSON of any length, and other texts of up to ${maxYamlCharacters} characters`, async () => {
  const alerts = Array.from({ length: 5000 }, (_, index) => ({ alertname: 'A', index }));
  const json = JSON.stringify(alerts);
  expect(await payloadValue(json, same)).toEqual(alerts);
  const list = (length: number): string => `- ${'x'.repeat(length - 2)}`;
  expect(await payloadValue(list(maxYamlCharacters), same)).toEqual([expect.stringMatching(/^x+$/)]);
  expect(await payloadValue(list(maxYamlCharacters + 1), same)).toBe(list(maxYamlCharacters + 1));
});

it('reads YAML in pieces', async () => {
  let readings = 0;
  const piecewise = new SharedStretch({ monotonicMs: () => readings++ }, { maxMs: 1 });
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const list = '- a\n'.repeat(maxYamlCharacters / 4);
  const value = await payloadValue(list, { ...same, writing: piecewise });
  isOver = true;
  expect(value).toEqual(Array.from({ length: maxYamlCharacters / 4 }, () => 'a'));
  expect(turns).toBeGreaterThan(20);
});

it('reads the first of several documents', async () => {
  expect(await payloadValue('[1]\n---\n[2]', same)).toEqual([1n]);
});

it('names the places of its templates', () => {
  expect(templatesOf({ a: ['{{ x }}', 1] }, ['payload'])).toEqual([
    { path: ['payload', 'a'], text: 'a' },
    { path: ['payload', 'a', 0], text: '{{ x }}' },
  ]);
});
