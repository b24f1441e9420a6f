import { describe, expect, it } from 'vitest';
import { rule, stagesOfTest } from './rule-stage.test-support.ts';

const HOUR_MS = 3_600_000;
const GRACE = { startupGraceMs: 30_000 };
const stages = stagesOfTest();

describe('when the wall clock leaps forward by an hour', () => {
  it('an alert goes on whose data comes anew within the grace', async () => {
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30'), GRACE);
    await stage.append({ 'queue{phase="a"}': 31 });
    await stage.advance(1000);
    stage.clock.stepWallClock(HOUR_MS);
    await stage.append({ 'queue{phase="b"}': 1 });
    await stage.advance(25_000);
    await stage.append({ 'queue{phase="a"}': 31 });
    await stage.advance(61_000);
    expect(await stage.episodes()).toEqual(['g/High{"phase":"a"}: firing']);
  });

  it('an alert ends whose data stays away', async () => {
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30'), GRACE);
    await stage.append({ queue: 31 });
    await stage.advance(1000);
    stage.clock.stepWallClock(HOUR_MS);
    await stage.advance(125_000);
    expect(await stage.episodes()).toEqual(['g/High{}: resolved data_vanished']);
  });

  it('`for` does not count what nobody saw', async () => {
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30\nfor: 5m'), GRACE);
    await stage.append({ queue: 31 });
    await stage.advance(60_000);
    stage.clock.stepWallClock(HOUR_MS);
    await stage.append({ queue: 32 });
    await stage.advance(235_000);
    expect(await stage.episodes()).toEqual([]);
    await stage.append({ queue: 33 });
    await stage.advance(10_000);
    expect(await stage.episodes()).toEqual(['g/High{}: firing']);
  });

  it('`keep_firing_for` does not either', async () => {
    const stage = await stages.open(rule('alert: High\nexpr: queue > 30\nkeep_firing_for: 5m'), GRACE);
    await stage.append({ queue: 31 });
    await stage.append({ queue: 3 });
    await stage.advance(60_000);
    stage.clock.stepWallClock(HOUR_MS);
    await stage.append({ queue: 3 });
    await stage.advance(235_000);
    expect(await stage.episodes()).toEqual(['g/High{}: firing']);
    await stage.append({ queue: 3 });
    await stage.advance(10_000);
    expect(await stage.episodes()).toEqual(['g/High{}: resolved recovered']);
  });
});
