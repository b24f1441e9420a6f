import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createMatcher,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type AppendOrigin,
  type CommitResult,
  type Labels,
  type Sender,
} from '#telemetry';
import { createTsdb, type Tsdb, type TsdbLimits } from './index.ts';

let directory: string;
let clock: VirtualClock;
let opened: Tsdb[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omoi-tsdb-'));
  clock = new VirtualClock();
  opened = [];
});
afterEach(async () => {
  for (const tsdb of opened) await tsdb.stop();
  await rm(directory, { recursive: true, force: true });
});

async function open(limits: Partial<TsdbLimits> = {}): Promise<Tsdb> {
  const parts = { clock, logger: silentLogger, selfMetrics: new SelfMetrics() };
  const tsdb = await createTsdb({ ...parts, directory, limits });
  opened.push(tsdb);
  return tsdb;
}

function originOf(sender: Sender): AppendOrigin {
  const at = { traceparent: null, receivedAtMs: clock.wallMs(), receivedMonotonicMs: clock.monotonicMs() };
  return sender === 'collector' || sender === 'rule' || sender === 'detector' || sender === 'otlp'
    ? { source: sender, ...at }
    : { source: 'otlp', sender, ...at };
}

function send(
  tsdb: Tsdb,
  sender: string,
  value: number,
  { name = 'load', labels = {} }: { readonly name?: string; readonly labels?: Labels } = {},
): CommitResult {
  const batch = new SampleBatch();
  batch.add(tsdb.series({ ...labels, __name__: name }), clock.wallMs(), value);
  return tsdb.commit(batch, originOf(sender));
}

function sendersOf(tsdb: Tsdb, name = 'load', displacedReachMs = Infinity): (string | null)[] {
  const senders: (string | null)[] = [];
  const matchers = [createMatcher('__name__', '=', name)];
  tsdb.visitSenders({ matchers, displacedReachMs }, (sender) => {
    senders.push(sender);
    return 'more';
  });
  return senders;
}

describe('a series is its first sender’s', () => {
  it('takes no sample of another, and says why', async () => {
    const tsdb = await open();
    expect(send(tsdb, 'token:a', 1).accepted).toBe(1);
    await clock.advance(1000);
    expect(send(tsdb, 'token:b', 2)).toMatchObject({ accepted: 0, refused: { series_owned: 1 } });
    expect(tsdb.newestValue(tsdb.series({ __name__: 'load' }))).toBe(1);
    expect(send(tsdb, 'token:a', 3).accepted).toBe(1);
  });

  it('takes nothing else of that unit amiss', async () => {
    const tsdb = await open();
    send(tsdb, 'token:a', 1);
    await clock.advance(1000);
    const batch = new SampleBatch();
    for (const name of ['load', 'other']) batch.add(tsdb.series({ __name__: name }), clock.wallMs(), 2);
    const result = tsdb.commit(batch, originOf('token:b'));
    expect(result).toMatchObject({ accepted: 1, refused: { series_owned: 1 } });
    expect(sendersOf(tsdb, 'other')).toEqual(['token:b']);
  });

  it('is nobody’s before a sample was taken: a refused one fixes nothing', async () => {
    const tsdb = await open();
    const batch = new SampleBatch();
    batch.add(tsdb.series({ __name__: 'load' }), clock.wallMs() + 3_600_000, 1);
    expect(tsdb.commit(batch, originOf('token:a'))).toMatchObject({ refused: { too_far_ahead: 1 } });
    expect(sendersOf(tsdb)).toEqual([]);
    expect(send(tsdb, 'token:b', 1).accepted).toBe(1);
    expect(sendersOf(tsdb)).toEqual(['token:b']);
  });

  it.each([
    ['collector', 'omoi'],
    ['rule', 'rule'],
    ['detector', 'detector'],
    ['otlp', 'anonymous'],
  ])('what a %s sends without a name is from %s', async (source, sender) => {
    const tsdb = await open();
    send(tsdb, source, 1);
    expect(sendersOf(tsdb)).toEqual([sender]);
  });
});

describe('a series is taken over', () => {
  it.each([
    ['anonymous', 'token:a', true],
    ['anonymous', 'rule', true],
    ['token:a', 'rule', true],
    ['token:a', 'collector', true],
    ['agent:w-1', 'detector', true],
    ['token:a', 'anonymous', false],
    ['token:a', 'token:b', false],
    ['token:a', 'agent:w-1', false],
    ['rule', 'token:a', false],
    ['rule', 'detector', false],
    ['rule', 'anonymous', false],
  ])('from %s by %s: %s', async (before, after, isTaken) => {
    const tsdb = await open();
    send(tsdb, before, 1);
    await clock.advance(1000);
    expect(send(tsdb, after, 2).accepted).toBe(isTaken ? 1 : 0);
    await clock.advance(1000);
    expect(send(tsdb, before, 3).accepted).toBe(isTaken ? 0 : 1);
    expect(sendersOf(tsdb)).toHaveLength(isTaken ? 2 : 1);
  });

  it.each<[string, string, Labels, boolean]>([
    ['token:a', 'agent:w-1', { agent_id: 'w-1' }, true],
    ['pool:p', 'agent:w-1', { agent_id: 'w-1', pool_id: 'p' }, true],
    ['token:a', 'pool:p', { agent_id: 'w-1', pool_id: 'p' }, true],
    ['agent:w-2', 'agent:w-1', { agent_id: 'w-1' }, true],
    ['agent:w-1', 'rule', { agent_id: 'w-1' }, true],
    ['token:a', 'agent:w-1', { agent_id: 'w-2' }, false],
    ['token:a', 'pool:p', { pool_id: 'q' }, false],
    ['agent:w-1', 'token:a', { agent_id: 'w-1' }, false],
    ['agent:w-1', 'pool:p', { agent_id: 'w-1', pool_id: 'p' }, false],
  ])('from %s by %s where its labels are %j: %s', async (before, after, labels, isTaken) => {
    const tsdb = await open();
    send(tsdb, before, 1, { labels });
    await clock.advance(1000);
    expect(send(tsdb, after, 2, { labels }).accepted).toBe(isTaken ? 1 : 0);
    await clock.advance(1000);
    expect(send(tsdb, before, 3, { labels }).accepted).toBe(isTaken ? 0 : 1);
    expect(sendersOf(tsdb)).toEqual(isTaken ? [after, before] : [before]);
  });

  it('and rests on those before as long as memory has what they sent, over a restart too', async () => {
    const first = await open();
    send(first, 'anonymous', 1);
    await clock.advance(1000);
    send(first, 'token:a', 2);
    await clock.advance(1000);
    await send(first, 'rule', 3).durable();
    const all = ['rule', 'token:a', 'anonymous'];
    expect(sendersOf(first)).toEqual(all);
    const next = await open();
    expect(sendersOf(next)).toEqual(all);
    expect(send(next, 'token:a', 4).refused.series_owned).toBe(1);
    const version = next.sendersVersion;
    for (let hour = 0; hour < 6; hour++) {
      await clock.advance(3_600_000);
      expect(send(next, 'rule', hour).accepted).toBe(1);
    }
    expect(sendersOf(next)).toEqual(['rule']);
    expect(next.sendersVersion).not.toBe(version);
  });
});

it('a series rests on those before as long as their samples are read, over a restart too', async () => {
  const first = await open();
  send(first, 'anonymous', 1);
  await clock.advance(30_000);
  await send(first, 'token:a', 2).durable();
  const reachMs = 300_000;
  expect(sendersOf(first, 'load', reachMs)).toEqual(['token:a', 'anonymous']);
  await clock.advance(reachMs - 30_000);
  const next = await open();
  expect(sendersOf(next, 'load', reachMs)).toEqual(['token:a', 'anonymous']);
  const version = next.sendersVersion;
  await clock.advance(60_000);
  expect(sendersOf(next, 'load', reachMs)).toEqual(['token:a']);
  expect(next.sendersVersion).not.toBe(version);
  expect(sendersOf(next)).toEqual(['token:a', 'anonymous']);
});

describe('whose a series is survives', () => {
  it('a crash, by the log', async () => {
    await send(await open(), 'token:a', 1).durable();
    const next = await open();
    expect(sendersOf(next)).toEqual(['token:a']);
    await clock.advance(1000);
    expect(send(next, 'token:b', 2).refused.series_owned).toBe(1);
  });

  it('a clean stop, by the snapshot', async () => {
    const first = await open();
    send(first, 'token:a', 1);
    await first.stop();
    opened = [];
    const next = await open();
    expect(sendersOf(next)).toEqual(['token:a']);
    await clock.advance(1000);
    await send(next, 'token:a', 2).durable();
    const third = await open();
    expect(sendersOf(third)).toEqual(['token:a']);
    await clock.advance(1000);
    expect(send(third, 'token:b', 3).refused.series_owned).toBe(1);
  });
});

it('a sender is paid for once a series in the log, and nothing a sample', async () => {
  const bytesOf = async (sender: string, samples: number): Promise<number> => {
    directory = await mkdtemp(join(parent, 'log-'));
    const own = directory;
    const tsdb = await open().finally(() => (directory = parent));
    for (let at = 0; at < samples; at++) {
      await send(tsdb, sender, 1).durable();
      await clock.advance(1000);
    }
    const entries = await readdir(own, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(
      files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  };
  const parent = directory;
  const name = `token:${'a'.repeat(60)}`;
  const costOf = async (samples: number): Promise<number> =>
    (await bytesOf(name, samples)) - (await bytesOf('otlp', samples));
  const once = await costOf(1);
  expect(once).toBeGreaterThan(40);
  expect(await costOf(200)).toBe(once);
});

it('what was found out about senders is old when a series gets one', async () => {
  const tsdb = await open();
  const before = tsdb.sendersVersion;
  send(tsdb, 'token:a', 1);
  const after = tsdb.sendersVersion;
  expect(after).toBeGreaterThan(before);
  await clock.advance(1000);
  send(tsdb, 'token:a', 2);
  expect(tsdb.sendersVersion).toBe(after);
});
