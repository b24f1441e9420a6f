import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Silence } from './silence.ts';
import {
  type SilencesStage,
  HOUR_MS,
  MINUTE_MS,
  openSilences,
  orderOf,
  STARTED_AT_MS,
} from './silences.test-support.ts';

let stage: SilencesStage;
beforeEach(async () => {
  stage = await openSilences();
});
afterEach(() => stage.close());

const set = (...order: Parameters<typeof orderOf>): Promise<Silence> => stage.silences.set(orderOf(...order));

describe('limits', () => {
  const bounded = async (limits: Parameters<typeof openSilences>[0]): Promise<void> => {
    await stage.close();
    stage = await openSilences(limits);
  };

  it('maxSilences counts those that have not ended; one that takes another’s place fits', async () => {
    await bounded({ maxSilences: 2 });
    const first = await set('a=1');
    await set('a=2');
    await expect(set('a=3')).rejects.toMatchObject({ code: 'too_many_silences' });
    const next = await set('a=4', { id: first.id });
    await stage.silences.expire(next.id, 'ann');
    await set('a=3');
    expect(stage.silences.list()).toHaveLength(2);
    const gauge = stage.metrics.collect().find(({ name }) => name === 'omoi_silences');
    expect(gauge?.points).toEqual([{ suffix: '', labels: {}, value: 2 }]);
  });

  it('maxUnvaluedMatcherSets counts matcher sets that ask for no value', async () => {
    await bounded({ maxUnvaluedMatcherSets: 2 });
    const both = await set(['a=~"x.*"', 'b!=""', 'c=~"one|two"']);
    await expect(set('d=~"x.*"')).rejects.toThrow('maxUnvaluedMatcherSets');
    await set('d=~"x.*"', { id: both.id });
    await set('e=~"x.*",f=g');
  });

  it('maxSilenceBytes bounds what one may take, also when it is changed', async () => {
    await bounded({ maxSilenceBytes: 1000 });
    const { id } = await set('a=b');
    await expect(set('a=b', { comment: 'x'.repeat(1000) })).rejects.toThrow('maxSilenceBytes');
    await expect(set('a=b', { id, startsAtMs: STARTED_AT_MS, comment: 'x'.repeat(1000) })).rejects.toThrow(
      'maxSilenceBytes',
    );
    expect((await stage.silences.get(id)).comment).toBe('new disks');
  });

  it('maxRegexSize bounds the expressions of one together, before any is compiled', async () => {
    // A thousand each, and one after the other they take seconds, and a megabyte each.
    const sets = (count: number) => Array.from({ length: count }, (_, at) => `a=~"[a-z]{1,1000}",b="${at}"`);
    const { id } = await set(sets(10));
    await expect(set([...sets(10), 'a=~".+"'])).rejects.toThrow('maxRegexSize (10000)');
    const wanted = { matcherSets: orderOf(sets(11)).matcherSets };
    const changed = stage.silences.change(id, wanted, 'bob');
    await expect(changed).rejects.toMatchObject({ code: 'invalid_silence' });
    expect(stage.silences.list().map((one) => one.id)).toEqual([id]);
  });

  it('maxSilencesRegexSize bounds the expressions of all that have not ended, over a restart', async () => {
    await bounded({ maxSilencesRegexSize: 100 });
    const first = await set(['a=b,c=~"[x]{60}"', 'a=~"one|two"']);
    await set('a=b,c=~"[x]{40}"');
    await stage.restart();
    const more = 'a=b,c=~"[x]{1}"';
    await expect(set(more)).rejects.toMatchObject({
      code: 'too_many_silences',
      message: expect.stringContaining('maxSilencesRegexSize'),
    });
    await set('a=c');
    await stage.silences.setEnd(first.id, STARTED_AT_MS + MINUTE_MS, 'ann');
    const next = await set('a=b,c=~"[x]{59}"', { id: first.id });
    await set(more);
    await expect(set(more)).rejects.toThrow('maxSilencesRegexSize');
    await stage.silences.expire(next.id, 'ann');
    await set('a=b,c=~"[x]{59}"');
  });

  it('one of an earlier version whose expressions take more than maxRegexSize can be changed but for them', async () => {
    const { id } = await set('a=b');
    await stage.database.transaction(async (tx) => {
      const large = Array.from({ length: 11 }, () => [['c', '=~', '[a-z]{1,1000}']]);
      const sets = JSON.stringify([[['a', '=', 'b']], ...large]);
      await tx.db.updateTable('silences').set({ matcher_sets: sets }).where('id', '=', id).execute();
    });
    await stage.restart();
    const endsAtMs = STARTED_AT_MS + 2 * HOUR_MS;
    await stage.silences.setEnd(id, endsAtMs, 'bob');
    const changed = await stage.silences.change(id, { comment: 'more disks' }, 'bob');
    expect(changed).toMatchObject({ id, endsAtMs, comment: 'more disks', createdBy: 'bob' });
    expect(stage.silences.silencesOf({ c: 'xyz' }, STARTED_AT_MS)).toEqual([changed]);
  });
});
