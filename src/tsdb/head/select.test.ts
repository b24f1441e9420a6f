import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createMatcher,
  SampleBatch,
  SelfMetrics,
  silentLogger,
  VirtualClock,
  type Selection,
} from '#telemetry';
import { createTsdb, type Tsdb } from '../index.ts';
import { originOf } from '../origin.test-support.ts';

const SERIES = 6000;
/** More expressions than the store remembers the values of. */
const EXPRESSIONS = 100;
const origin = originOf('import');

/** A millisecond goes by at each look at the clock. */
class ImpatientClock extends VirtualClock {
  #looks = 0;
  override monotonicMs(): number {
    return super.monotonicMs() + ++this.#looks;
  }
}

let tsdb: Tsdb;
let nowMs: number;
beforeEach(async () => {
  const clock = new ImpatientClock();
  nowMs = clock.wallMs();
  tsdb = await createTsdb({
    clock,
    logger: silentLogger,
    selfMetrics: new SelfMetrics(),
  });
  const batch = new SampleBatch();
  for (let i = 0; i < SERIES; i++) batch.add(tsdb.series({ __name__: 'm', i: String(i) }), nowMs, i);
  tsdb.commit(batch, origin);
});
afterEach(() => tsdb.stop());

const matchers = [
  createMatcher('__name__', '=', 'm'),
  ...Array.from({ length: EXPRESSIONS }, (_, at) => createMatcher('i', '!~', `.*${at}9.*`)),
];
const selectionOf = (extra: Partial<Selection> = {}): Selection => ({
  matchers,
  startMs: nowMs - 1000,
  endMs: nowMs,
  ...extra,
});

describe('a selection by many expressions', () => {
  it.each(['select', 'selectLatest', 'open'] as const)('pauses in %s, and finds the same', async (read) => {
    let pauses = 0;
    const countOf = async (selection: Selection): Promise<number> => {
      const found = await tsdb[read](selection);
      if ('seriesCount' in found) return found.seriesCount;
      return 'labels' in found ? found.labels.length : found.length;
    };
    const expected = await countOf(selectionOf());
    expect(expected).toBeGreaterThan(0);
    expect(expected).toBeLessThan(SERIES);
    const paused = selectionOf({ mayPause: true, afterPause: () => void pauses++ });
    expect(await countOf(paused)).toBe(expected);
    expect(pauses).toBeGreaterThan(EXPRESSIONS);
  });

  it('of the newest samples alone pauses, and finds the same', async () => {
    const expected = await tsdb.select(selectionOf({ latestOnly: true }));
    let pauses = 0;
    const paused = selectionOf({ latestOnly: true, mayPause: true, afterPause: () => void pauses++ });
    expect(await tsdb.select(paused)).toEqual(expected);
    expect(pauses).toBeGreaterThan(EXPRESSIONS);
  });

  it('ends where nobody waits for it any more', async () => {
    const afterPause = (): void => {
      throw new Error('nobody waits');
    };
    const selection = selectionOf({ mayPause: true, afterPause });
    for (const read of ['select', 'selectLatest', 'open'] as const) {
      await expect(tsdb[read](selection)).rejects.toThrow('nobody waits');
    }
  });

  it('answers at once where few series have the labels', () => {
    const exact = [createMatcher('i', '=', '17')];
    expect(tsdb.selectLatest(selectionOf({ matchers: exact, mayPause: true }))).toMatchObject({
      labels: [{ __name__: 'm', i: '17' }],
    });
  });
});
