import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silencesKeepMs, stateRetention, retentionJobs } from '#storage';
import { type EventPayload, OmoiError } from '#telemetry';
import { formatMatchers } from '../configuration/matchers/index.ts';
import {
  type SilencesStage,
  HOUR_MS,
  MINUTE_MS,
  openSilences,
  orderOf,
  STARTED_AT_MS,
} from './silences.test-support.ts';
import { maxDueAtOnce } from './silences.ts';
import { type Silence, silenceStateAt } from './silence.ts';

const DOWN = { alertname: 'Down', host: 'web-1' };

let stage: SilencesStage;
beforeEach(async () => {
  stage = await openSilences();
});
afterEach(() => stage.close());

const silenced = (labels: Readonly<Record<string, string>> = DOWN): boolean =>
  stage.silences.silencesOf(labels, stage.clock.wallMs()).length > 0;
const stateOf = (silence: Silence): string => silenceStateAt(silence, stage.clock.wallMs());
const set = (...order: Parameters<typeof orderOf>): Promise<Silence> => stage.silences.set(orderOf(...order));

/** Its matchers as texts: functions compare with nothing. */
const withTexts = (silence: Silence) => ({
  ...silence,
  matcherSets: silence.matcherSets.map(formatMatchers),
});

describe('a silence', () => {
  it('is in force from its beginning to its end, and its end is recorded once', async () => {
    const silence = await set('alertname=Down', { startsAtMs: STARTED_AT_MS + MINUTE_MS });
    expect([stateOf(silence), silenced()]).toEqual(['pending', false]);
    expect(stage.silences.nextChangeMs()).toBe(STARTED_AT_MS + MINUTE_MS);
    await stage.clock.advance(MINUTE_MS);
    expect([stateOf(silence), silenced()]).toEqual(['active', true]);
    expect(stage.silences.nextChangeMs()).toBe(STARTED_AT_MS + HOUR_MS);
    await stage.clock.advance(HOUR_MS - MINUTE_MS);
    expect([stateOf(silence), silenced()]).toEqual(['expired', false]);
    await vi.waitFor(async () => expect(await stage.history()).toEqual(['created 1', 'expired 1']));
    expect(stage.silences.nextChangeMs()).toBeNull();
    await stage.clock.advance(HOUR_MS);
    expect(await stage.history()).toHaveLength(2);
  });

  it('says in its events what it is for, who asked for it and why it has ended', async () => {
    const silence = await set(['alertname=Down,host=~web.*', 'team!=""'], { untilResolved: true });
    await stage.silences.expire(silence.id, 'bob');
    const ref = {
      silence_id: silence.id,
      matchers: ['{alertname="Down",host=~"web.*"}', '{team!=""}'],
      created_by: 'ann',
      comment: 'new disks',
      starts_at: '2026-11-30T12:00:00.000Z',
    };
    expect((await stage.events()).map(({ payload }) => payload)).toEqual([
      {
        ...ref,
        ends_at: '2026-11-30T13:00:00.000Z',
        set_by: 'the operator',
        until_resolved: true,
        replaces: null,
      },
      { ...ref, ends_at: ref.starts_at, cause: 'expired', ended_by: 'bob', replaced_by: null },
    ]);
  });

  it('of several matcher sets is for what any of them accepts', async () => {
    await set(['alertname=Down,host=web-2', 'alertname=~"D.*",host=web-1', 'host=db-1']);
    expect([silenced(), silenced({ host: 'db-1' }), silenced({ host: 'db-2' })]).toEqual([true, true, false]);
  });

  it('is ended once: ending it again changes nothing, and one that there is not is not found', async () => {
    const { id } = await set('alertname=Down');
    await stage.silences.expire(id, 'ann');
    const ended = await stage.silences.expire(id, 'bob');
    expect(ended.end).toEqual({ cause: 'expired', by: 'ann', replacedBy: null });
    expect(await stage.history()).toEqual(['created 1', 'expired 1']);
    const unknown = '00000000-0000-4000-8000-000000000000';
    await expect(stage.silences.expire(unknown, 'ann')).rejects.toMatchObject({ code: 'unknown_silence' });
    await expect(stage.silences.get(unknown)).rejects.toMatchObject({ code: 'unknown_silence' });
  });

  it('that has not begun has not lasted when it is ended', async () => {
    const { id } = await set('alertname=Down', { startsAtMs: STARTED_AT_MS + MINUTE_MS });
    await stage.silences.expire(id, 'ann');
    expect(await stage.silences.get(id)).toMatchObject({
      startsAtMs: STARTED_AT_MS,
      endsAtMs: STARTED_AT_MS,
    });
  });
});

const UP = { name: 'alertname', operator: '=', value: 'Up' } as const;

describe('changing a silence', () => {
  it('moves its end, comment and annotations in place', async () => {
    const before = await set('alertname=Down', { warnBeforeMs: MINUTE_MS });
    const after = await set('alertname=Down', {
      id: before.id,
      startsAtMs: before.startsAtMs + 999,
      endsAtMs: STARTED_AT_MS + 2 * HOUR_MS,
      comment: 'more disks',
      annotations: { ticket: '7' },
    });
    expect(after).toMatchObject({
      id: before.id,
      comment: 'more disks',
      annotations: { ticket: '7' },
      warnBeforeMs: MINUTE_MS,
    });
    expect(await stage.history()).toEqual(['created 1', 'changed 1']);
    await stage.clock.advance(HOUR_MS + MINUTE_MS);
    expect(silenced()).toBe(true);
  });

  it.each<[string, Parameters<typeof orderOf>]>([
    ['other matchers', ['alertname=Up']],
    ['another beginning', ['alertname=Down', { startsAtMs: STARTED_AT_MS + MINUTE_MS }]],
  ])('to %s makes a new one in its place', async (_what, [sets, rest]) => {
    const before = await set('alertname=Down');
    const after = await set(sets, { ...rest, id: before.id });
    expect(after.id).not.toBe(before.id);
    expect((await stage.silences.get(before.id)).end).toEqual({
      cause: 'replaced',
      by: 'the operator',
      replacedBy: after.id,
    });
    expect(await stage.history()).toEqual(['created 1', 'expired 1', 'created 2']);
    expect(stage.silences.list().map(({ id }) => id)).toEqual([after.id]);
    const created = (await stage.events()).at(-1)?.payload as EventPayload<'notification.silence.created'>;
    expect(created.replaces).toBe(before.id);
  });

  it('that has ended makes a new one, and leaves the past as it was', async () => {
    const before = await set('alertname=Down');
    await stage.silences.expire(before.id, 'ann');
    const ended = await stage.silences.get(before.id);
    const after = await set('alertname=Down', { id: before.id });
    expect(after.id).not.toBe(before.id);
    expect(withTexts(await stage.silences.get(before.id))).toEqual(withTexts(ended));
    await expect(stage.silences.setEnd(before.id, STARTED_AT_MS + HOUR_MS, 'ann')).rejects.toMatchObject({
      code: 'silence_ended',
    });
  });

  it('before it begins moves its beginning, but not into the past', async () => {
    const before = await set('alertname=Down', { startsAtMs: STARTED_AT_MS + 30 * MINUTE_MS });
    const sooner = await set('alertname=Down', { id: before.id, startsAtMs: STARTED_AT_MS + MINUTE_MS });
    expect(sooner.id).toBe(before.id);
    await stage.clock.advance(MINUTE_MS);
    expect(silenced()).toBe(true);
  });

  it('that there is not is refused', async () => {
    const id = '00000000-0000-4000-8000-000000000000';
    await expect(set('alertname=Down', { id })).rejects.toMatchObject({ code: 'unknown_silence' });
  });

  it('changes what is named alone: who changes the comment is its author', async () => {
    const before = await set('alertname=Down', { annotations: { ticket: '7' }, warnBeforeMs: MINUTE_MS });
    const until = await stage.silences.change(before.id, { untilResolved: true }, 'bob');
    expect(until).toMatchObject({ id: before.id, createdBy: 'ann', setBy: 'bob', untilResolved: true });
    const why = await stage.silences.change(before.id, { comment: 'more disks' }, 'bob');
    expect(why).toMatchObject({ id: before.id, createdBy: 'bob', endsAtMs: before.endsAtMs });
    const other = await stage.silences.change(before.id, { matcherSets: [[UP]] }, 'eve');
    expect(other).toMatchObject({
      createdBy: 'bob',
      setBy: 'eve',
      comment: 'more disks',
      annotations: { ticket: '7' },
      warnBeforeMs: MINUTE_MS,
      untilResolved: true,
      endsAtMs: before.endsAtMs,
    });
    expect(silenced()).toBe(false);
    expect(await stage.history()).toEqual(['created 1', 'changed 1', 'changed 1', 'expired 1', 'created 2']);
    const late = stage.silences.change(before.id, { comment: 'late' }, 'eve');
    await expect(late).rejects.toMatchObject({ code: 'silence_ended' });
  });

  it('moves its end alone, nearer or farther', async () => {
    const { id } = await set(['alertname=Down', 'host=x']);
    expect(await stage.silences.setEnd(id, STARTED_AT_MS + MINUTE_MS, 'bob')).toMatchObject({
      id,
      setBy: 'bob',
      createdBy: 'ann',
    });
    await stage.clock.advance(2 * MINUTE_MS);
    expect(silenced()).toBe(false);
    const past = stage.silences.set(orderOf('alertname=Down', { endsAtMs: STARTED_AT_MS + MINUTE_MS }));
    await expect(past).rejects.toMatchObject({ code: 'invalid_silence' });
  });
});

describe('what is no silence', () => {
  it.each<[string, Parameters<typeof orderOf>]>([
    ['start time must be before end time', ['a=b', { startsAtMs: STARTED_AT_MS + HOUR_MS }]],
    ['at least one matcher set required', [[]]],
    ['matcher set 1 is empty', [['a=b', '']]],
    ['matcher set 0: at least one matcher must not match the empty string', ['a=~".*",b=""']],
    ['the time of the warning', ['a=b', { warnBeforeMs: 0 }]],
  ])('is refused: %s', async (problem, order) => {
    const refused = set(...order);
    await expect(refused).rejects.toThrow(problem);
    await expect(refused).rejects.toMatchObject({ code: 'invalid_silence' });
    expect(await stage.events()).toEqual([]);
  });

  it.each([
    [{ name: '', operator: '=', value: 'x' }, 'invalid label matcher 0 in set 0: invalid label name ""'],
    [
      { name: 'a', operator: '=~', value: '[' },
      'invalid label matcher 0 in set 0: invalid regular expression "["',
    ],
  ] as const)('is refused: %o', async (matcher, problem) => {
    await expect(set('a=b', { matcherSets: [[matcher]] })).rejects.toThrow(problem);
  });

  it('what only excludes is taken, as Alertmanager takes it', async () => {
    await set('team!=infra');
    expect([silenced(), silenced({ team: 'infra' })]).toEqual([true, false]);
  });
});

describe('over a restart', () => {
  it('silences go on, and what ended meanwhile is recorded', async () => {
    const long = await set('alertname=Down', {
      untilResolved: true,
      warnBeforeMs: MINUTE_MS,
      annotations: { a: '1' },
      alertId: 'alrt_1',
    });
    const short = await set('host=web-1', { endsAtMs: STARTED_AT_MS + MINUTE_MS });
    await stage.silences.stop();
    await stage.clock.advance(2 * MINUTE_MS);
    await stage.restart();
    expect(stage.silences.list().map(withTexts)).toEqual([withTexts(long)]);
    expect(await stage.history()).toEqual(['created 1', 'created 2', 'expired 2']);
    expect((await stage.silences.get(short.id)).end?.cause).toBe('time');
    expect(silenced()).toBe(true);
  });

  it('a silence whose matchers cannot be read any more stops no other', async () => {
    const broken = await set('alertname=Down');
    await set('host=web-1');
    await stage.database.transaction(async (tx) => {
      const sets = JSON.stringify([[['alertname', '=~', '[']]]);
      await tx.db.updateTable('silences').set({ matcher_sets: sets }).where('id', '=', broken.id).execute();
    });
    await stage.restart();
    expect(silenced()).toBe(true);
    expect(stage.silences.list()).toHaveLength(1);
    expect(stage.silences.live(broken.id)).toBeNull();
  });
});

describe('who listens', () => {
  it('hears of what comes, begins, changes and ends, after it is so', async () => {
    const heard: string[] = [];
    const ids: string[] = [];
    const subscription = stage.silences.onChanged((silences) => {
      for (const silence of silences) {
        if (!ids.includes(silence.id)) ids.push(silence.id);
        heard.push(`${ids.indexOf(silence.id) + 1} ${stateOf(silence)} ${silenced()}`);
      }
    });
    const first = await set('alertname=Down', { startsAtMs: STARTED_AT_MS + MINUTE_MS });
    await stage.clock.advance(MINUTE_MS);
    const next = await set('alertname=Down,host=web-1', { id: first.id });
    await stage.clock.advance(HOUR_MS);
    expect(heard).toEqual([
      '1 pending false',
      '1 active true',
      '2 active true',
      '1 expired true',
      '2 expired false',
    ]);
    subscription.stop();
    await stage.silences.set(orderOf('a=b', { endsAtMs: STARTED_AT_MS + 3 * HOUR_MS }));
    expect([heard.length, next.id]).toEqual([5, ids[1]]);
  });

  it('hears nothing of a change that was not committed', async () => {
    const heard = vi.fn();
    stage.silences.onChanged(heard);
    const append = vi.spyOn(stage.bus, 'append').mockRejectedValue(new OmoiError('storage_full', 'no room'));
    await expect(set('alertname=Down')).rejects.toMatchObject({ code: 'storage_full' });
    append.mockRestore();
    expect([heard.mock.calls.length, silenced(), stage.silences.list().length]).toEqual([0, false, 0]);
    const rows = await stage.database.reader.selectFrom('silences').selectAll().execute();
    expect(rows).toEqual([]);
  });

  it('is told of an end that cannot be recorded as soon as it can', async () => {
    await set('alertname=Down');
    const append = vi.spyOn(stage.bus, 'append').mockRejectedValue(new OmoiError('storage_full', 'no room'));
    await stage.clock.advance(HOUR_MS);
    expect([silenced(), (await stage.history()).length, stage.silences.nextChangeMs()]).toEqual([
      false,
      1,
      null,
    ]);
    append.mockRestore();
    await stage.clock.advance(2 * MINUTE_MS);
    await vi.waitFor(async () => expect(await stage.history()).toEqual(['created 1', 'expired 1']));
  });
});

describe('a silence that warns', () => {
  it('says once that its end is near, and again where that was moved', async () => {
    const { id } = await set('alertname=Down', { warnBeforeMs: 10 * MINUTE_MS });
    await stage.clock.advance(50 * MINUTE_MS);
    await vi.waitFor(async () => expect(await stage.history()).toEqual(['created 1', 'ending 1']));
    await stage.restart();
    await stage.clock.advance(5 * MINUTE_MS);
    expect(await stage.history()).toHaveLength(2);
    await stage.silences.setEnd(id, STARTED_AT_MS + 2 * HOUR_MS, 'bob');
    await stage.clock.advance(HOUR_MS);
    await vi.waitFor(async () =>
      expect(await stage.history()).toEqual(['created 1', 'ending 1', 'changed 1', 'ending 1']),
    );
    await stage.clock.advance(10 * MINUTE_MS);
    await vi.waitFor(async () => expect((await stage.history()).at(-1)).toBe('expired 1'));
  });
});

describe('a silence until the alerts are resolved', () => {
  const firing =
    (...sets: readonly (typeof DOWN)[]) =>
    async (silence: Silence) =>
      sets.some((labels) =>
        silence.matcherSets.some((matchers) =>
          matchers.every((one) => one.matches(labels[one.name as 'host'] ?? '')),
        ),
      );

  it('ends with the last of them', async () => {
    await set('alertname=Down', { untilResolved: true });
    await set('alertname=Down');
    const other = { alertname: 'Down', host: 'web-2' };
    await stage.silences.alertResolved(DOWN, firing(other));
    expect(await stage.history()).toEqual(['created 1', 'created 2']);
    await stage.silences.alertResolved(other, firing());
    expect(await stage.history()).toEqual(['created 1', 'created 2', 'expired 1']);
    expect((await stage.events()).at(-1)?.payload).toMatchObject({ cause: 'resolved', ended_by: null });
    expect(stage.silences.list()).toHaveLength(1);
  });

  it('does not mind alerts that it is not for', async () => {
    await set('alertname=Down', { untilResolved: true });
    await stage.silences.alertResolved({ alertname: 'Other', host: 'web-1' }, firing());
    expect(await stage.history()).toEqual(['created 1']);
  });
});

describe('lists', () => {
  it('are in Alertmanager’s order, the ended ones behind, page by page', async () => {
    const late = await set('a=1', { endsAtMs: STARTED_AT_MS + 2 * HOUR_MS });
    const soon = await set('a=2');
    const pendingLate = await set('a=3', { startsAtMs: STARTED_AT_MS + 30 * MINUTE_MS });
    const pendingSoon = await set('a=4', { startsAtMs: STARTED_AT_MS + 20 * MINUTE_MS });
    expect(stage.silences.list().map(({ id }) => id)).toEqual([
      soon.id,
      late.id,
      pendingSoon.id,
      pendingLate.id,
    ]);
    for (const { id } of [soon, late, pendingSoon]) {
      await stage.clock.advance(1000);
      await stage.silences.expire(id, 'ann');
    }
    const first = await stage.silences.listEnded(null, 2);
    expect(first.map(({ id }) => id)).toEqual([pendingSoon.id, late.id]);
    const last = first[1];
    const rest = await stage.silences.listEnded({ endedAtMs: last?.endsAtMs ?? 0, id: last?.id ?? '' }, 2);
    expect(rest.map(({ id }) => id)).toEqual([soon.id]);
  });

  it('lose what ended so long ago that it is not kept', async () => {
    const { id } = await set('a=1');
    const live = await set('a=2', { endsAtMs: STARTED_AT_MS + 1000 * HOUR_MS });
    await stage.silences.expire(id, 'ann');
    const keep = { eventsMs: 1, alertsMs: 1, anomaliesMs: 1, remediationsMs: 1, tasksMs: 1, auditMs: 1 };
    const [job] = retentionJobs(stage.database, stateRetention(keep), { clock: stage.clock }).filter(
      ({ name }) => name === 'silences',
    );
    const run = (): Promise<number> | undefined =>
      job?.run(stage.clock.wallMs(), new AbortController().signal);
    await stage.clock.advance(silencesKeepMs);
    expect(await run()).toBe(0);
    await stage.clock.advance(1);
    expect(await run()).toBe(1);
    await expect(stage.silences.get(id)).rejects.toMatchObject({ code: 'unknown_silence' });
    expect(await stage.silences.get(live.id)).toMatchObject({ end: null });
  });
});

it.each([
  [maxDueAtOnce, 1],
  [maxDueAtOnce + 1, 2],
])(
  `of %i silences that end at once ${maxDueAtOnce} are recorded in a transaction: %i of them`,
  async (count, commits) => {
    for (let at = 0; at < count; at++) await set(`alertname=A${at}`);
    const recorded: number[] = [];
    const listening = stage.silences.onChanged((changed) => void recorded.push(changed.length));
    await stage.clock.advance(HOUR_MS);
    await vi.waitFor(
      async () => expect(await stage.silences.listEnded(null, count + 1)).toHaveLength(count),
      20_000,
    );
    listening.stop();
    expect(recorded.filter((changed) => changed > 0)).toHaveLength(commits);
    expect(Math.max(...recorded)).toBe(maxDueAtOnce);
  },
);
