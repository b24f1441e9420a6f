import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSystemClock } from '#telemetry';
import { LogFiles } from '../runtimes/log-files.ts';
import {
  AgentOutput,
  maxEarlierFollowed,
  maxGenerationsCaughtUp,
  type OutputCursor,
  type OutputRequest,
} from './agent-output.ts';
import { RunCopies } from './run-copies.ts';

const LIMITS = {
  maxLogBytes: 40,
  keptCopies: 1,
  keptGenerations: 3,
  maxAgentBytes: 1000,
  maxBytes: 10_000,
  keptTailBytes: 0,
  reserveBytes: 0,
};
/** Longer than anything here takes: who waits so long waits for nothing. */
const LONG_MS = 60_000;

let directory: string;
let logs: LogFiles;
let output: AgentOutput;
let newest: { generation: number; managed: boolean };
let ended: Set<number>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-output-'));
  mkdirSync(join(directory, 'run'));
  logs = new LogFiles(directory, LIMITS);
  newest = { generation: 1, managed: true };
  ended = new Set();
  output = new AgentOutput({
    clock: createSystemClock(),
    newest: () => Promise.resolve(newest),
    hasEnded: ({ generation }) => Promise.resolve(ended.has(generation)),
    managed: logs,
    external: new RunCopies(join(directory, 'run')),
  });
});
afterEach(() => rmSync(directory, { recursive: true }));

const put = (text: string | Buffer, generation = 1): void =>
  appendFileSync(logs.make('w-1', generation).stdout, text);

const read = (cursor: OutputCursor | null, more: Partial<OutputRequest> = {}) =>
  output.read({
    agentId: 'w-1',
    generation: null,
    cursor,
    maxBytes: 1000,
    waitMs: 0,
    signal: new AbortController().signal,
    ...more,
  });

describe('the output of an agent', () => {
  it('is its end at first, and then what comes behind', async () => {
    put('one\n');
    appendFileSync(logs.make('w-1', 1).stderr, 'oh\n');
    const first = await read(null);
    expect(first).toMatchObject({
      generation: 1,
      piece: { stdout: { text: 'one\n', skipped: false }, stderr: { text: 'oh\n', skipped: false } },
    });
    put('two\n');
    const second = await read(first.cursor);
    expect(second.piece).toMatchObject({ stdout: { text: 'two\n', skipped: false }, stderr: { text: '' } });
    expect((await read(second.cursor)).piece?.stdout.text).toBe('');
  });

  it('is waited for until it comes', async () => {
    put('one\n');
    const { cursor } = await read(null);
    const following = read(cursor, { waitMs: LONG_MS });
    put('two\n');
    expect((await following).piece?.stdout.text).toBe('two\n');
  });

  it('is not waited for when the time is over, or who asked has gone', async () => {
    put('one\n');
    const { cursor } = await read(null);
    expect((await read(cursor, { waitMs: 1 })).piece?.stdout.text).toBe('');
    const gone = new AbortController();
    const following = read(cursor, { waitMs: LONG_MS, signal: gone.signal });
    gone.abort();
    expect((await following).piece?.stdout.text).toBe('');
  });

  it('goes on with the next generation when nothing is left of the last one', async () => {
    put('one\n');
    const { cursor } = await read(null);
    put('last\n');
    const following = read(cursor, { waitMs: LONG_MS });
    const last = await following;
    expect(last).toMatchObject({ generation: 1, piece: { stdout: { text: 'last\n' } } });
    const next = read(last.cursor, { waitMs: LONG_MS });
    newest.generation = 2;
    put('anew\n', 2);
    expect(await next).toMatchObject({
      generation: 2,
      piece: { stdout: { text: 'anew\n', skipped: false } },
    });
  });

  it('of one that ends beside its follower is told to its end, whoever puts out something first', async () => {
    put('one\n');
    let { cursor } = await read(null);
    const next = async () => {
      const found = await read(cursor, { waitMs: LONG_MS });
      ({ cursor } = found);
      return [found.generation, found.piece?.stdout.text];
    };
    newest.generation = 2;
    put('anew\n', 2);
    expect(await next()).toEqual([2, 'anew\n']);
    expect(cursor.earlier).toEqual([{ generation: 1, position: expect.anything() }]);
    put('late\n');
    put('more\n', 2);
    expect([await next(), await next()]).toEqual([
      [1, 'late\n'],
      [2, 'more\n'],
    ]);
    put('the last word\n');
    ended.add(1);
    put('on it goes\n', 2);
    expect([await next(), await next()]).toEqual([
      [1, 'the last word\n'],
      [2, 'on it goes\n'],
    ]);
    expect(cursor.earlier).toEqual([]);
  });

  it('of three that end beside their followers is told, and of no more', async () => {
    put('one\n');
    let { cursor } = await read(null);
    for (let generation = 2; generation <= maxEarlierFollowed + 2; generation++) {
      newest.generation = generation;
      put(`of ${generation}\n`, generation);
      ({ cursor } = await read(cursor));
    }
    expect(cursor.earlier.map(({ generation }) => generation)).toEqual([4, 3, 2]);
  });

  it('of several that end beside their followers comes in their order', async () => {
    put('one\n');
    let { cursor } = await read(null);
    for (const generation of [2, 3]) {
      newest.generation = generation;
      put(`of ${generation}\n`, generation);
      ({ cursor } = await read(cursor));
    }
    put('late of 2\n', 2);
    put('late of 1\n', 1);
    put('more of 3\n', 3);
    const told: unknown[] = [];
    for (let reads = 0; reads < 3; reads++) {
      const found = await read(cursor);
      ({ cursor } = found);
      told.push(found.piece?.stdout.text);
    }
    expect(told).toEqual(['late of 1\n', 'late of 2\n', 'more of 3\n']);
  });

  it.each([
    [2, [2, 3, 4]],
    [100, [99 - 3, 97, 98, 99, 100]],
  ])('of those that came and ended while nobody read comes in their order, of %d on', async (first, told) => {
    put('one\n');
    let { cursor } = await read(null);
    const last = told.at(-1) ?? first;
    for (let generation = Math.max(2, last - 20); generation <= last; generation++) {
      put(`of ${generation}\n`, generation);
      newest.generation = generation;
      if (generation < last) ended.add(generation);
    }
    ended.add(1);
    const found: number[] = [];
    for (;;) {
      const next = await read(cursor);
      ({ cursor } = next);
      if (next.piece?.stdout.text !== `of ${next.generation}\n`) break;
      found.push(next.generation);
    }
    expect(found).toEqual(told);
    expect(found.length).toBeLessThanOrEqual(maxGenerationsCaughtUp + 1);
  });

  it('of a generation that was asked for stays that one’s', async () => {
    put('one\n');
    newest.generation = 2;
    put('anew\n', 2);
    const { cursor, piece } = await read(null, { generation: 1 });
    expect(piece?.stdout.text).toBe('one\n');
    expect(await read(cursor, { generation: 1 })).toMatchObject({
      generation: 1,
      piece: { stdout: { text: '' } },
    });
  });

  it('says what was left out, and begins with a whole line', async () => {
    put('0123456789\nabc\ndef\n');
    expect((await read(null, { maxBytes: 10 })).piece?.stdout).toMatchObject({
      text: 'abc\ndef\n',
      skipped: true,
    });
  });

  it('goes on behind a rotation, and says that something may be missing', async () => {
    put('a line of some length\n');
    const { cursor } = await read(null);
    put('and another that is too much\n');
    await logs.tidy();
    put('after\n');
    expect((await read(cursor)).piece?.stdout).toMatchObject({ text: 'after\n', skipped: true });
    // Who comes now sees what was there before, too.
    expect((await read(null)).piece?.stdout.text).toContain('too much\nafter\n');
  });

  it('keeps a character together that has come in two parts', async () => {
    const euro = Buffer.from('€');
    put(Buffer.concat([Buffer.from('a'), euro.subarray(0, 2)]));
    const first = await read(null);
    expect(first.piece?.stdout.text).toBe('a');
    put(euro.subarray(2));
    expect((await read(first.cursor)).piece?.stdout.text).toBe('€');
  });

  it.each([[Buffer.from([0xff, 0xfe])], [Buffer.from([0x80, 0x80, 0x80, 0x80])]])(
    'shows bytes that are no text (%j) as such',
    async (bytes) => {
      put(bytes);
      expect((await read(null)).piece?.stdout.text).toMatch(/^\ufffd+$/);
    },
  );

  it('is none where nothing is kept', async () => {
    expect(await read(null)).toMatchObject({ generation: 1, piece: null });
  });

  it('of an external one is what its wrapper keeps here', async () => {
    newest = { generation: 4, managed: false };
    for (const stream of ['stdout', 'stderr'])
      writeFileSync(join(directory, 'run', `w-1.${stream}.log`), `${stream}\n`);
    const first = await read(null);
    expect(first).toMatchObject({
      generation: 4,
      piece: { stdout: { text: 'stdout\n' }, stderr: { text: 'stderr\n' } },
    });
    const following = read(first.cursor, { waitMs: LONG_MS });
    appendFileSync(join(directory, 'run', 'w-1.stderr.log'), 'more\n');
    const more = await following;
    expect(more.piece).toMatchObject({ stdout: { text: '' }, stderr: { text: 'more\n' } });
    // Its next process goes on in the same files: none of it comes twice, and none is an earlier one's.
    newest = { generation: 5, managed: false };
    appendFileSync(join(directory, 'run', 'w-1.stdout.log'), 'anew\n');
    expect(await read(more.cursor)).toMatchObject({
      generation: 5,
      piece: { stdout: { text: 'anew\n' }, stderr: { text: '' } },
    });
    expect(await read(null, { generation: 4 })).toMatchObject({ generation: 4, piece: null });
  });
});
