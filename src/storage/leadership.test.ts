import { expect, it } from 'vitest';
import { OmoiError, VirtualClock } from '#telemetry';
import { Leadership } from './leadership.ts';

const TTL_MS = 10_000;

function held() {
  const clock = new VirtualClock();
  const leadership = new Leadership(clock);
  leadership.proven(leadership.now(), TTL_MS);
  return { clock, leadership };
}

it('is not doubted where nothing has to be proven', async () => {
  const clock = new VirtualClock();
  const leadership = new Leadership(clock);
  await clock.advance(1e9);
  expect([leadership.doubt, leadership.listens]).toEqual([null, true]);
});

it('is doubted when nobody has confirmed it for the length of the lease, and until somebody does', async () => {
  const { clock, leadership } = held();
  await clock.advance(TTL_MS - 1);
  expect([leadership.doubt, leadership.listens]).toEqual([null, true]);
  await clock.advance(1);
  expect(leadership.doubt).toMatchObject({ code: 'database_failed', retryable: true });
  expect(leadership.listens).toBe(false);
  leadership.proven(leadership.now(), TTL_MS);
  expect([leadership.doubt, leadership.listens]).toEqual([null, true]);
});

it('counts from when it was asked for, not from the answer', async () => {
  const { clock, leadership } = held();
  const askedAt = leadership.now();
  await clock.advance(TTL_MS);
  leadership.proven(askedAt, TTL_MS);
  expect(leadership.doubt).not.toBeNull();
});

it('is doubted after a sleep of the machine, which the monotonic clock does not count', () => {
  const { clock, leadership } = held();
  clock.stepWallClock(TTL_MS);
  expect(leadership.doubt).not.toBeNull();
});

it('does not listen while the database is away, and answers for as long as its lease is sure', async () => {
  const { clock, leadership } = held();
  await clock.advance(1000);
  leadership.away('refused');
  await clock.advance(1000);
  leadership.away('refused again');
  expect(leadership.outage).toEqual({ sinceMonotonicMs: 1000, reason: 'refused again' });
  expect([leadership.doubt, leadership.listens]).toEqual([null, false]);
});

it('is over for good when another has it', async () => {
  const { leadership } = held();
  const by = new OmoiError('server_fenced', 'another');
  leadership.fence(by);
  leadership.fence(new OmoiError('server_fenced', 'a third'));
  leadership.proven(leadership.now(), TTL_MS);
  expect([leadership.doubt, leadership.listens]).toEqual([by, false]);
  expect(await leadership.fenced).toBe(by);
});
