import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger, VirtualClock, type Logger } from '#telemetry';
import { leastPartStopMs, Lifecycle, maxPartStopMs, maxStopMs } from './lifecycle.ts';

let clock: VirtualClock;
let lifecycle: Lifecycle;
let stopped: string[];
let errors: object[];
const logger: Logger = { ...silentLogger, error: (fields) => void errors.push(fields) };

beforeEach(() => {
  clock = new VirtualClock();
  lifecycle = new Lifecycle(clock);
  stopped = [];
  errors = [];
});

/** Parts that stop at once, and those of a `*`, which never do. */
function start(...names: readonly string[]): void {
  for (const name of names) {
    lifecycle.started(name, () => {
      stopped.push(name);
      return name.startsWith('*') ? new Promise(() => undefined) : undefined;
    });
  }
}

describe('a stop', () => {
  it('stops each part once, the last that was started first', async () => {
    start('a', 'b', 'c');
    await Promise.all([lifecycle.stop(logger), lifecycle.stop(logger)]);
    expect(stopped).toEqual(['c', 'b', 'a']);
    expect(await lifecycle.stop(logger)).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('goes on behind a part that fails', async () => {
    start('a');
    lifecycle.started('broken', () => Promise.reject(new Error('no')));
    expect(await lifecycle.stop(logger)).toEqual([]);
    expect(stopped).toEqual(['a']);
    expect(errors).toEqual([{ part: 'broken', error: 'no' }]);
  });

  it('names a part that does not stop within its limit, and goes on without it', async () => {
    start('a', '*b', 'c');
    const leftBehind = lifecycle.stop(logger);
    await clock.advance(maxPartStopMs - 1);
    expect(stopped).toEqual(['c', '*b']);
    await clock.advance(1);
    expect(await leftBehind).toEqual(['*b']);
    expect(stopped).toEqual(['c', '*b', 'a']);
    expect(errors).toEqual([{ part: '*b', waited_ms: maxPartStopMs }]);
  });

  it('waits only shortly for each once the whole has taken too long', async () => {
    const names = ['*1', '*2', '*3', '*4', '*5'];
    start(...names);
    const leftBehind = lifecycle.stop(logger);
    await clock.advance(maxStopMs + 2 * leastPartStopMs);
    expect(await leftBehind).toEqual(names.toReversed());
  });

  it('waits for no timer of its own once all have stopped', async () => {
    start('a');
    await lifecycle.stop(logger);
    await clock.advance(maxStopMs);
    expect(errors).toEqual([]);
  });
});
