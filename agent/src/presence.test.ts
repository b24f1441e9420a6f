import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { resolveSettings } from './options.ts';
import { Presence, type InFlight } from './presence.ts';
import type { Answer } from './server-link.ts';
import type { HeartbeatRequest } from './wire.ts';

const INTERVAL_MS = 1000;
let startedMs: number;
let beats: string[];
let left: string[];
let inFlight: InFlight;
let presence: Presence;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  startedMs = performance.now();
  beats = [];
  left = [];
  inFlight = { claimed: 0, besides: 0 };
  const settings = resolveSettings({ url: 'http://127.0.0.1:1', agentId: 'a' }, {});
  if (!settings) throw new Error('a url was given');
  const link = {
    awayMs: 0,
    backOff: () => Promise.resolve(),
    post: <Body>(path: string, body: unknown): Promise<Answer<Body>> => {
      const atMs = performance.now() - startedMs;
      if (path.endsWith('/heartbeat')) {
        const { in_flight, health } = body as HeartbeatRequest;
        beats.push(`${atMs} ms: ${health}, ${in_flight} in flight`);
      }
      const answer = { generation: 1, heartbeat_interval_ms: INTERVAL_MS };
      // What the path asks for.
      return Promise.resolve({ kind: 'ok', body: answer as Body });
    },
  };
  presence = new Presence(link, settings, {
    onLeave: (reason) => left.push(reason),
    onSuperseded: (message) => left.push(message),
    onError: (error) => left.push(String(error)),
    inFlight: () => inFlight,
    processActivity: () => undefined,
  });
  void presence.run();
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  presence.end();
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const seen = (desired: 'run' | 'drain' = 'run') => presence.seen({ desired, sentAtMs: performance.now() });

it('beats each interval where nothing else counts as a beat', async () => {
  await pass(2500);
  expect(beats).toEqual(['0', '1000', '2000'].map((ms) => `${ms} ms: ok, 0 in flight`));
});

it('leaves beats out until an interval after the last request that counted as one', async () => {
  await pass(600);
  seen();
  inFlight = { claimed: 1, besides: 0 };
  await pass(900);
  seen();
  expect(beats).toHaveLength(1);
  await pass(999);
  expect(beats).toHaveLength(1);
  await pass(1);
  expect(beats[1]).toBe('2500 ms: ok, 1 in flight');
  await pass(INTERVAL_MS);
  expect(beats[2]).toBe('3500 ms: ok, 1 in flight');
});

it('beats where it has something new to say', async () => {
  await pass(600);
  inFlight = { claimed: 0, besides: 3 };
  seen();
  await pass(400);
  expect(beats[1]).toBe('1000 ms: ok, 3 in flight');
  seen();
  await pass(100);
  presence.report({ health: 'degraded', reason: 'disk is full' });
  await pass(0);
  expect(beats[2]).toBe('1100 ms: degraded, 3 in flight');
});

it('leaves where the answer to another request says so', () => {
  seen('drain');
  seen('drain');
  expect(left).toEqual(['drain requested']);
});
