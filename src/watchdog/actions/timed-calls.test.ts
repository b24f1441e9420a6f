import { expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { Overdue, TimedCalls } from './timed-calls.ts';

const never = <Result>(): Promise<Result> => new Promise(() => {});

it('waits for an answer for a limited time', async () => {
  const clock = new VirtualClock();
  const calls = new TimedCalls(clock, 1000);
  await expect(calls.within(Promise.resolve('done'))).resolves.toBe('done');
  const waiting = calls.within(never());
  const outcome = expect(waiting).rejects.toThrow(Overdue);
  await clock.advance(1000);
  await outcome;
});

it('waits for nothing once it is closed: neither for what was asked before, nor for what is asked then', async () => {
  const calls = new TimedCalls(new VirtualClock(), 1000);
  const before = calls.within(never());
  calls.close();
  await expect(before).rejects.toThrow(Overdue);
  await expect(calls.within(never())).rejects.toThrow(Overdue);
  // What nobody waits for is refused without anybody to hear of it.
  await expect(calls.within(Promise.reject(new Error('refused')))).rejects.toThrow(Overdue);
});
