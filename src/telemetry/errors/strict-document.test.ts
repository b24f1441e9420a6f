import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { OmoiError } from './errors.ts';
import { maxDocumentDepth } from './document-depth.ts';
import { openStrictDocument, parseStrictDocument } from './strict-document.ts';

const schema = z.strictObject({
  http: z.strictObject({ port: z.number().int(), host: z.string().default('127.0.0.1') }).optional(),
  pools: z.array(z.strictObject({ id: z.string(), desired: z.number() })).default([]),
});

function problemsOf(text: string): string {
  try {
    parseStrictDocument({ name: 'omoi.yaml', text }, schema, 'config_invalid');
  } catch (thrown) {
    if (thrown instanceof OmoiError) return thrown.message;
    throw thrown;
  }
  return 'accepted';
}

/** Ten lists of ten lists of ten … : some hundred bytes that stand for ten to the power of `depth` texts. */
function aliasesOfAliases(depth: number): string {
  const lines = ['a0: &a0 x'];
  for (let level = 1; level <= depth; level++) {
    lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
}

describe('a strict document', () => {
  it.each([
    ['', 'accepted'],
    ['http:\n  port: 80\n', 'accepted'],
    ['http:\n  prot: 80\n', 'omoi.yaml:2:3: unknown key "http.prot"; did you mean "port"?'],
    [
      'pools:\n  - id: a\n    desired: 1\n    zzz: 1\n',
      'omoi.yaml:4:5: unknown key "pools.0.zzz"; known are id, desired',
    ],
    [
      'http:\n  port: eighty\n',
      'omoi.yaml:2:3: "http.port": Invalid input: expected number, received string',
    ],
    [
      'pools:\n  - id: a\n',
      'omoi.yaml:2:5: "pools.0.desired": Invalid input: expected number, received undefined',
    ],
    [
      'pools: []\n---\nhttp: {}\n',
      'omoi.yaml:2:1: a second document begins here; leave out the `---`, or put it into a file of its own',
    ],
    ['pools: []\npools: []\n', 'omoi.yaml:2:1: Map keys must be unique'],
    [
      'http: [',
      'omoi.yaml:1:8: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    [`http: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, 'lists and maps stand too deep in each other'],
    [aliasesOfAliases(10), 'omoi.yaml:1:1: Excessive alias count'],
  ])('%.60j', (text, expected) => {
    expect(problemsOf(text)).toContain(expected);
  });

  it('keeps scalars as they are written where it is told to', () => {
    const parsed = parseStrictDocument(
      { name: 'rules.yml', text: 'base: &b {v: 1.10}\nuse:\n  <<: *b\n', scalars: 'text' },
      z.record(z.string(), z.record(z.string(), z.string())),
      'rule_file_invalid',
    );
    expect(parsed).toEqual({ base: { v: '1.10' }, use: { v: '1.10' } });
  });

  it('passes over keys that nobody knows where it is told to', () => {
    const schema = z.strictObject({ groups: z.array(z.strictObject({ name: z.string() })) });
    const source = { name: 'rules.yml', text: 'owner: a\ngroups:\n  - {name: g, owner: [b]}\n' };
    expect(parseStrictDocument({ ...source, unknownKeys: 'ignored' }, schema, 'rule_file_invalid')).toEqual({
      groups: [{ name: 'g' }],
    });
    expect(() => parseStrictDocument(source, schema, 'rule_file_invalid')).toThrow('unknown key "owner"');
  });

  it('reads numbers as YAML writes them', () => {
    const schema = z.array(z.union([z.number(), z.nan(), z.literal(Infinity), z.literal(-Infinity)]));
    const text = '[0x1F, 1_000, 017, -.5, 1e3, .inf, +.Inf, -.INF, .nan]';
    const source = { name: 'values.yml', text, scalars: 'text' } as const;
    expect(parseStrictDocument(source, schema, 'rule_file_invalid')).toEqual([
      31,
      1000,
      15,
      -0.5,
      1000,
      Infinity,
      Infinity,
      -Infinity,
      NaN,
    ]);
  });

  it('names every problem, not only the first', () => {
    expect(problemsOf('htpp: 1\npols: 2\n').split('\n')).toEqual([
      'omoi.yaml:1:1: unknown key "htpp"; did you mean "http"?',
      'omoi.yaml:2:1: unknown key "pols"; did you mean "pools"?',
    ]);
  });
});

it('of keys that are lists says what is wrong with them, and nothing beside that', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  expect(problemsOf('? [a, b]\n: c\n')).toContain('omoi.yaml:1:1: unknown key "[ a, b ]"');
  expect(warned.mock.calls).toEqual([]);
  warned.mockRestore();
});

describe('more mistakes than anybody reads', () => {
  const more = 10_000;
  it.each([
    [
      'unknown keys',
      Array.from({ length: more }, (_, at) => `key${at}: 1`).join('\n'),
      ':100:1: unknown key "key99"',
    ],
    [
      'values of the wrong kind',
      `pools:\n${Array.from({ length: more }, (_, at) => `  - {id: a${at}, desired: x}`).join('\n')}`,
      ':101:',
    ],
    ['what is no YAML', 'http:\n'.repeat(more + 1), ':100:6: Map keys must be unique'],
  ])('%s: the first hundred are named, and how many there are more', (_what, text, last) => {
    const lines = problemsOf(text).split('\n');
    expect(lines).toHaveLength(101);
    expect(lines[99]).toContain(last);
    expect(lines[100]).toBe('and 9900 more');
  });

  it('a hundred are named all', () => {
    const lines = problemsOf(Array.from({ length: 100 }, (_, at) => `key${at}: 1`).join('\n')).split('\n');
    expect(lines).toHaveLength(100);
    expect(lines[99]).toContain('"key99"');
  });
});

describe('how deep lists and maps may stand in each other', () => {
  interface Nested {
    readonly in?: Nested | undefined;
  }
  const nested: z.ZodType<Nested> = z.strictObject({
    get in() {
      return nested.optional();
    },
  });
  const text = (depth: number): string => `${'{ in: '.repeat(depth - 1)}{}${' }'.repeat(depth - 1)}`;

  it.each(['typed', 'text'] as const)('so deep, and no deeper, with %s scalars', (scalars) => {
    const parse = (depth: number): Nested =>
      parseStrictDocument({ name: 'f', text: text(depth), scalars }, nested, 'config_invalid');
    expect(parse(maxDocumentDepth)).toBeTypeOf('object');
    for (const depth of [maxDocumentDepth + 1, 800, 1_200]) {
      expect(() => parse(depth)).toThrow('f:1:1: lists and maps stand too deep in each other');
    }
  });
});

describe('scalars as texts, but for what the schema wants', () => {
  const wanted = z.strictObject({
    text: z.string().optional(),
    truth: z.boolean().optional(),
    number: z.number().optional(),
    either: z.union([z.string(), z.strictObject({ truth: z.boolean() })]).optional(),
    texts: z.record(z.string(), z.string()).optional(),
    anything: z.unknown().optional(),
    piped: z.preprocess((value) => value, z.number().transform(Math.trunc)).optional(),
  });

  it.each([
    ['{ text: yes, truth: yes }', { text: 'yes', truth: true }],
    ['{ number: 0x10, text: 0x10 }', { number: 16, text: '0x10' }],
    ['{ either: on }', { either: 'on' }],
    ['{ either: { truth: off } }', { either: { truth: false } }],
    // A name that is that of a number elsewhere.
    ['{ texts: { number: 5, truth: no } }', { texts: { number: '5', truth: 'no' } }],
    ['{ anything: [5, "5", yes, ~, 1.10] }', { anything: [5, '5', true, null, 1.1] }],
    ['{ piped: 2.5 }', { piped: 2 }],
    ['{ anything: { <<: { a: 1 }, b: 2 } }', { anything: { a: 1, b: 2 } }],
    ['{ anything: &shared 1, number: *shared }', { anything: 1, number: 1 }],
  ])('%s', (yaml, expected) => {
    expect(parseStrictDocument({ name: 'f', text: yaml, scalars: 'text' }, wanted, 'config_invalid')).toEqual(
      expected,
    );
  });

  it.each([
    ['{ truth: "yes" }', '"truth": Invalid input: expected boolean, received string'],
    ['{ number: "5" }', '"number": Invalid input: expected number, received string'],
    ['{ number: 5m }', '"number": Invalid input: expected number, received string'],
  ])('%s is refused', (yaml, problem) => {
    expect(() =>
      parseStrictDocument({ name: 'f', text: yaml, scalars: 'text' }, wanted, 'config_invalid'),
    ).toThrow(problem);
  });
});

describe('a document of which more is to be said', () => {
  const open = () =>
    openStrictDocument(
      { name: 'f', text: 'http:\n  port: x\npools:\n  - id: a\n    desired: 1\n' },
      schema,
      'config_invalid',
    );

  it('names its own mistakes and those that were found besides, in the order of the lines', () => {
    const further = [
      { path: ['pools', 0, 'id'], message: 'a is taken' },
      { path: [], message: 'no agents' },
    ];
    expect(() => open().accepted(further)).toThrow(
      [
        'f:1:1: no agents',
        'f:2:3: "http.port": Invalid input: expected number, received string',
        'f:4:5: "pools.0.id": a is taken',
      ].join('\n'),
    );
  });

  it('says what is written, though it is wrong, and where', () => {
    const document = open();
    expect(document.written).toEqual({ http: { port: 'x' }, pools: [{ id: 'a', desired: 1 }] });
    expect(document.placeOf(['pools', 0, 'desired'])).toBe('5:5');
    const [first, second] = document.inOrder([
      { path: ['pools'], message: 'second' },
      { path: ['http'], message: 'first' },
    ]);
    expect([first?.message, second?.message]).toEqual(['first', 'second']);
  });

  it('knows where the texts stand that a schema reads', () => {
    const secret = z.string();
    const text = 'keys: [&one abc, *one, "d e"]\nname: abc\n';
    const document = openStrictDocument(
      { name: 'f', text, scalars: 'text' },
      z.strictObject({ keys: z.array(secret), name: z.string() }),
      'config_invalid',
    );
    const ranges = document.rangesReadBy((reader) => reader === secret);
    expect(ranges.map(([from, to]) => text.slice(from, to))).toEqual(['abc', '"d e"']);
  });
});
