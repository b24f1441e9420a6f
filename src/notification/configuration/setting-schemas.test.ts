import { expect, it } from 'vitest';
import { z } from 'zod';
import { openStrictDocument } from '#telemetry';
import {
  atLeastOne,
  atMostOne,
  checkedBy,
  duration,
  filePath,
  flag,
  goDuration,
  hostPort,
  oneOf,
  optionalFlag,
  parseGoDuration,
  secret,
  secretLists,
  secretTemplateUrl,
  secretUrl,
  text,
  textMap,
  texts,
  url,
  wholeNumber,
} from './setting-schemas.ts';

const schema = z
  .strictObject({
    text: text('said'),
    one: oneOf(['a', 'b'], 'a'),
    flag: flag(true),
    optional_flag: optionalFlag(),
    number: wholeNumber(7, { min: -5, max: 100 }),
    texts: texts(),
    map: textMap(),
    lists: secretLists(),
    secret: secret(),
    secret_file: filePath(),
    url: url(),
    secret_url: secretUrl(),
    template_url: secretTemplateUrl(),
    host: hostPort(),
    duration: duration(1_000),
    go_duration: goDuration(2_000),
    anything: z.unknown().optional(),
  })
  .superRefine(
    checkedBy((keys) => [
      ...atMostOne(keys, 'secret', 'secret_file'),
      ...(keys.url === null ? [] : atLeastOne(keys, 'secret', 'secret_file')),
    ]),
  );

/** What a text becomes, or what is said against it. */
function read(yaml: string): unknown {
  try {
    return openStrictDocument(
      { name: 'f', text: yaml, scalars: 'text' },
      schema,
      'routing_invalid',
    ).accepted();
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : thrown;
  }
}

it('what is not written has its default', () => {
  expect(read('{}')).toEqual({
    text: 'said',
    one: 'a',
    flag: true,
    optional_flag: null,
    number: 7,
    texts: [],
    map: {},
    lists: {},
    secret: null,
    secret_file: null,
    url: null,
    secret_url: null,
    template_url: null,
    host: null,
    duration: 1_000,
    go_duration: 2_000,
  });
});

it('null has the zero of its type', () => {
  const keys = 'text flag number texts map lists secret url host duration go_duration'.split(' ');
  expect(read(keys.map((key) => `${key}:\n`).join(''))).toMatchObject({
    text: '',
    flag: false,
    number: 0,
    texts: [],
    map: {},
    lists: {},
    secret: null,
    url: null,
    host: null,
    duration: 0,
    go_duration: 0,
  });
});

it.each([
  ['text: yes', { text: 'yes' }],
  ['text: 0x10', { text: '0x10' }],
  ['one: b', { one: 'b' }],
  ['flag: Off', { flag: false }],
  ['optional_flag: y', { optional_flag: true }],
  ['number: 0x10', { number: 16 }],
  ['number: -2.7', { number: -2 }],
  ['texts: [a, ~, 1]', { texts: ['a', '', '1'] }],
  ['map: { __proto__: x, a: ~, b: 1.10 }', { map: { ['__proto__']: 'x', a: '', b: '1.10' } }],
  ['lists: { X-Key: [a] }', { lists: { 'X-Key': ['a'] } }],
  ["secret: ''", { secret: null }],
  ['secret_url: <secret>', { secret_url: '<secret>' }],
  ['template_url: "http://{{ .x }}/"', { template_url: 'http://{{ .x }}/' }],
  ["host: ':25'", { host: { host: '', port: '25' } }],
  ["host: '[::1]:smtp'", { host: { host: '::1', port: 'smtp' } }],
  ['duration: 1d12h', { duration: 129_600_000 }],
  ['go_duration: 1.5s', { go_duration: 1_500 }],
  ['go_duration: 2000000', { go_duration: 2 }],
  [
    'anything: { a: [1, "1", yes, "yes", 1.5, ~, x], b: 0o17, c: 1e3 }',
    { anything: { a: [1, '1', true, 'yes', 1.5, null, 'x'], b: 15, c: 1000 } },
  ],
])('%s', (yaml, expected) => {
  expect(read(yaml)).toMatchObject(expected);
});

it.each([
  ['text: [a]', 'f:1:1: "text": expected a text'],
  ['one: c', 'f:1:1: "one": expected one of a, b'],
  ['flag: "true"', 'f:1:1: "flag": expected true or false'],
  ['flag: 1', 'f:1:1: "flag": expected true or false'],
  ['number: "1"', 'f:1:1: "number": expected a whole number'],
  ['number: 101', 'f:1:1: "number": expected a whole number up to 100'],
  ['number: -6', 'f:1:1: "number": expected a whole number from -5'],
  ['{ url: "gopher://x", secret: a }', 'f:1:3: "url": unsupported scheme "gopher" for URL'],
  ['secret_url: hush', 'f:1:1: "secret_url": the address has no scheme; write https://…'],
  ['host: localhost', 'f:1:1: "host": address localhost: missing port in address'],
  ["host: 'localhost:'", 'f:1:1: "host": address "localhost:": port cannot be empty'],
  ["host: '::1:25'", 'f:1:1: "host": address ::1:25: too many colons in address'],
  ["host: '[::1:25'", 'f:1:1: "host": address [::1:25: too many colons in address'],
  ['duration: 1h1h', 'f:1:1: "duration": "1h1h" is no duration; write 90s, 5m, 1h30m, 30d'],
  ['go_duration: 1d', 'f:1:1: "go_duration": "1d" is no duration; write 10s, 1m30s, 500ms'],
  [
    '{ secret: a, secret_file: b }',
    'f:1:14: "secret_file": at most one of secret & secret_file must be configured',
  ],
  ['url: http://x', 'f:1:1: one of secret or secret_file must be configured'],
])('%s is refused', (yaml, expected) => {
  expect(read(yaml)).toBe(expected);
});

it.each([
  ['0', 0],
  ['300ms', 300],
  ['1h2m3.5s', 3_723_500],
  ['-.5m', -30_000],
  ['1us', 0.001],
  ['2µs', 0.002],
  ['', null],
  ['1', null],
  ['-0', 0],
  ['1.5', null],
  ['s', null],
  ['1s ', null],
  ['1 s', null],
])('%j as Go reads a duration: %j ms', (written, expected) => {
  expect(parseGoDuration(written)).toEqual(expected === null ? null : expect.closeTo(expected, 9));
});
