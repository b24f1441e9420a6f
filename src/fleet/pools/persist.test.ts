import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, OmoiError, VirtualClock, type Logger } from '#telemetry';
import { OutageLog, persist, type PersistOptions } from './persist.ts';

describe('writing down what has happened', () => {
  const clock = new VirtualClock();
  let database: StateDatabase;
  let lines: string[];
  let givenUp: unknown[];
  let outages: OutageLog;
  beforeEach(async () => {
    database = await openTestStateDatabase(clock, 'none');
    lines = [];
    givenUp = [];
    const note = (level: string) => (_fields: object, message: string) =>
      void lines.push(`${level} ${message}`);
    const logger: Logger = {
      debug: note('debug'),
      info: note('info'),
      warn: note('warn'),
      error: note('error'),
    };
    outages = new OutageLog({ clock, logger });
  });
  afterEach(() => database.close());

  const options = (signal = new AbortController().signal): PersistOptions => ({
    database,
    clock,
    random: createSeededRandom(1),
    outages,
    signal,
    what: 'The exit of an agent',
    onGivenUp: (error) => givenUp.push(error),
  });

  /** Moves the clock until the promise has its value. */
  async function whileTimePasses<Value>(promise: Promise<Value>): Promise<Value> {
    const state = { settled: false };
    void promise.finally(() => {
      state.settled = true;
    });
    while (!state.settled) {
      await clock.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return promise;
  }

  it('waits for a database that is away, ever longer, with one line when it goes and one when it is back', async () => {
    let attempts = 0;
    const startedMs = clock.monotonicMs();
    const write = (): Promise<number> =>
      persist(options(), async () => {
        if (++attempts < 40) throw new OmoiError('database_failed', 'it is away');
        return attempts;
      }).then((value) => value ?? 0);
    const written = await whileTimePasses(Promise.all([write(), write()]));
    expect(Math.max(...written)).toBeGreaterThanOrEqual(40);
    expect(clock.monotonicMs() - startedMs).toBeGreaterThan(60_000);
    expect(lines).toEqual([
      'error Database away: units are recorded when it is back.',
      'debug Database back: units are recorded.',
    ]);
    expect(givenUp).toEqual([]);
  });

  it.each([
    ['a broken constraint', new Error('UNIQUE constraint failed: events.id')],
    ['a programmer’s mistake', new TypeError('x is undefined')],
    ['a pool that is gone', new OmoiError('unknown_pool', 'There is no pool coders.')],
  ])('tries %s once, and says that it was given up', async (_what, error) => {
    let attempts = 0;
    const result = await persist(options(), () => {
      attempts++;
      return Promise.reject(error);
    });
    expect([result, attempts, givenUp]).toEqual([null, 1, [error]]);
  });

  it('ends when the server stops', async () => {
    const stop = new AbortController();
    const writing = persist(options(stop.signal), () =>
      Promise.reject(new OmoiError('database_failed', 'it is away')),
    );
    await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    expect(await writing).toBeNull();
    expect(givenUp).toEqual([]);
  });
});
