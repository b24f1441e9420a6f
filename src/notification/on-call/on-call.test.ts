import { describe, expect, it } from 'vitest';
import type { OnCallLayer, OnCallSchedule } from '../configuration/omoi-settings.ts';
import { TimeIntervals } from '../routing/time-intervals.ts';
import { ZoneTimes } from '../routing/zone-times.ts';
import { firstTimeAt } from './local-times.ts';
import { maxLookAheadMs, maxLooks, OnCall } from './on-call.ts';
import type { OnCallOverride } from './on-call-overrides.ts';
import { turnAt } from './rotation.ts';

const HOUR = 3_600_000;
const BERLIN = 'Europe/Berlin';
const zones = new ZoneTimes();

function layer(changes: Partial<OnCallLayer> = {}): OnCallLayer {
  return {
    people: ['ada', 'grace', 'mary'],
    rotation: 'daily',
    handOverMinute: 9 * 60,
    handOverWeekday: 1,
    startsOn: '2026-03-27',
    during: null,
    ...changes,
  };
}

const at = (iso: string): number => Date.parse(iso);
const who = (one: OnCallLayer, iso: string): string | null =>
  turnAt(one, { zone: BERLIN, wallMs: at(iso), zones })?.person ?? null;

describe('when a clock shows a time first', () => {
  it.each([
    ['a common day', '2026-06-01T09:00:00Z', '2026-06-01T07:00:00Z'],
    ['before clocks go forward', '2026-03-29T01:59:00Z', '2026-03-29T00:59:00Z'],
    ['a time that is left out', '2026-03-29T02:30:00Z', '2026-03-29T01:00:00Z'],
    ['after clocks went forward', '2026-03-29T03:00:00Z', '2026-03-29T01:00:00Z'],
    ['later that day', '2026-03-29T09:00:00Z', '2026-03-29T07:00:00Z'],
    ['a time that comes twice', '2026-10-25T02:30:00Z', '2026-10-25T00:30:00Z'],
    ['after clocks went back', '2026-10-25T03:00:00Z', '2026-10-25T02:00:00Z'],
    ['later on that day', '2026-10-25T09:00:00Z', '2026-10-25T08:00:00Z'],
  ])('%s', (_name, shown, first) => {
    expect(new Date(firstTimeAt(zones, BERLIN, at(shown))).toISOString()).toBe(
      new Date(at(first)).toISOString(),
    );
  });
});

describe('a rotation', () => {
  it.each<readonly [string, OnCallLayer, readonly (readonly [string, string | null])[]]>([
    [
      'daily, over the day on which clocks go forward',
      layer(),
      [
        ['2026-03-27T07:59:59Z', null],
        ['2026-03-27T08:00:00Z', 'ada'],
        ['2026-03-28T07:59:59Z', 'ada'],
        ['2026-03-28T08:00:00Z', 'grace'],
        ['2026-03-29T06:59:59Z', 'grace'],
        ['2026-03-29T07:00:00Z', 'mary'],
        ['2026-03-30T07:00:00Z', 'ada'],
      ],
    ],
    [
      'daily at a time that comes twice: it does not go back',
      layer({ startsOn: '2026-10-24', handOverMinute: 150 }),
      [
        ['2026-10-25T00:29:59Z', 'ada'],
        ['2026-10-25T00:30:00Z', 'grace'],
        ['2026-10-25T01:00:00Z', 'grace'],
        ['2026-10-25T01:29:00Z', 'grace'],
        ['2026-10-25T02:00:00Z', 'grace'],
        ['2026-10-26T01:30:00Z', 'mary'],
      ],
    ],
    [
      'weekly, handed over on Mondays although it began on a Friday',
      layer({ rotation: 'weekly' }),
      [
        ['2026-03-27T08:00:00Z', 'ada'],
        ['2026-03-30T06:59:59Z', 'ada'],
        ['2026-03-30T07:00:00Z', 'grace'],
        ['2026-04-06T06:59:59Z', 'grace'],
        ['2026-04-06T07:00:00Z', 'mary'],
        ['2026-04-13T07:00:00Z', 'ada'],
        // Weeks later, in winter time again.
        ['2026-11-02T07:59:59Z', 'grace'],
        ['2026-11-02T08:00:00Z', 'mary'],
      ],
    ],
    [
      'of twelve hours: by day and by night, also when clocks change',
      layer({ rotation: { everyMs: 12 * HOUR }, people: ['day', 'night'] }),
      [
        ['2026-03-28T19:59:00Z', 'day'],
        ['2026-03-28T20:00:00Z', 'night'],
        ['2026-03-29T06:59:00Z', 'night'],
        ['2026-03-29T07:00:00Z', 'day'],
        ['2026-03-29T19:00:00Z', 'night'],
      ],
    ],
    [
      'of one person',
      layer({ people: ['ada'] }),
      [
        ['2026-03-27T08:00:00Z', 'ada'],
        ['2030-01-01T00:00:00Z', 'ada'],
      ],
    ],
  ])('%s', (_name, one, turns) => {
    expect(turns.map(([iso]) => [iso, who(one, iso)])).toEqual(turns);
  });

  it('has somebody at each minute of a year, one after the other', () => {
    const one = layer({ startsOn: '2026-01-01' });
    let wallMs = at('2026-01-01T08:00:00Z');
    for (let turn = 0; turn < 365; turn++) {
      const found = turnAt(one, { zone: BERLIN, wallMs, zones });
      expect(found?.person).toBe(one.people[turn % 3]);
      if (!found) return;
      expect(zones.at(BERLIN, found.untilMs).minute).toBe(9 * 60);
      wallMs = found.untilMs;
    }
  });
});

describe('a schedule', () => {
  const office = {
    times: [{ fromMinute: 9 * 60, toMinute: 17 * 60 }],
    daysOfMonth: null,
    months: null,
    weekdays: null,
    years: null,
    location: BERLIN,
  };
  const schedule: OnCallSchedule = {
    name: 'infra',
    timeZone: BERLIN,
    layers: [
      layer({ startsOn: '2026-06-01' }),
      layer({ startsOn: '2026-06-02', people: ['boss'], during: 'office' }),
    ],
  };
  const override: OnCallOverride = {
    id: 'ovr_1',
    schedule: 'infra',
    person: 'eve',
    startsAtMs: at('2026-06-02T18:00:00Z'),
    endsAtMs: at('2026-06-02T20:00:00Z'),
    comment: '',
    createdBy: 'ann',
    createdAtMs: 0,
  };
  const withPeople = (receivers: Readonly<Record<string, string>>): OnCall =>
    new OnCall({
      omoi: {
        onCall: new Map([['infra', schedule]]),
        people: new Map(Object.entries(receivers).map(([name, receiver]) => [name, { name, receiver }])),
      },
      intervals: new TimeIntervals(new Map([['office', [office]]])),
      overrides: {
        at: (_name, ms, mayCount) =>
          ms >= override.startsAtMs && ms < override.endsAtMs && mayCount(override) ? override : null,
        list: (_name, ms) => (override.endsAtMs > ms ? [override] : []),
      },
    });
  const onCall = withPeople({ ada: 'ada by mail', eve: 'eve by phone' });

  it('has a later layer over an earlier one while it has somebody, and an override over all', () => {
    const turns: (readonly [string, string | null])[] = [];
    let wallMs = at('2026-05-31T00:00:00Z');
    for (let change = 0; change < 7; change++) {
      const next = onCall.nextChange('infra', wallMs);
      if (!next) break;
      turns.push([new Date(next.atMs).toISOString(), next.onCall?.person ?? null]);
      wallMs = next.atMs;
    }
    expect(turns).toEqual([
      ['2026-06-01T07:00:00.000Z', 'ada'],
      ['2026-06-02T07:00:00.000Z', 'boss'],
      ['2026-06-02T15:00:00.000Z', 'grace'],
      ['2026-06-02T18:00:00.000Z', 'eve'],
      ['2026-06-02T20:00:00.000Z', 'grace'],
      ['2026-06-03T07:00:00.000Z', 'boss'],
      ['2026-06-03T15:00:00.000Z', 'mary'],
    ]);
  });

  it('says by which receiver, and what says so', () => {
    expect(onCall.at('infra', at('2026-06-01T10:00:00Z'))).toEqual({
      person: 'ada',
      receiver: 'ada by mail',
      override: null,
      layer: 0,
    });
    expect(onCall.at('infra', override.startsAtMs)).toEqual({
      person: 'eve',
      receiver: 'eve by phone',
      override,
      layer: null,
    });
    expect(onCall.at('infra', 0)).toBeNull();
    expect(onCall.at('nowhere', at('2026-06-01T10:00:00Z'))).toBeNull();
  });

  it('goes on as if there were no override for somebody whom the configuration does not name any more', () => {
    const without = withPeople({ ada: 'ada by mail', grace: 'grace by mail' });
    expect(without.at('infra', override.startsAtMs)).toMatchObject({ person: 'grace', layer: 0 });
    expect(without.nextChange('infra', at('2026-06-02T16:00:00Z'))).toMatchObject({
      atMs: at('2026-06-03T07:00:00Z'),
      onCall: { person: 'boss' },
    });
  });
});

describe('each edge of who is on call', () => {
  const MINUTE = 60_000;
  const during = (times: readonly (readonly [number, number])[]) => ({
    times: times.map(([fromMinute, toMinute]) => ({ fromMinute, toMinute })),
    daysOfMonth: null,
    months: null,
    weekdays: null,
    years: null,
    location: BERLIN,
  });
  const override = (id: string, startsAtMs: number, endsAtMs: number): OnCallOverride => ({
    id,
    schedule: 'infra',
    person: 'eve',
    startsAtMs,
    endsAtMs,
    comment: '',
    createdBy: 'ann',
    createdAtMs: 0,
  });

  /** Ada by day and night; the boss within some times of the day; eve by overrides. */
  function scheduleWith(
    times: readonly (readonly [number, number])[],
    overrides: readonly OnCallOverride[] = [],
    layers: readonly OnCallLayer[] = [
      layer({ startsOn: '2026-01-01', people: ['ada'] }),
      layer({ startsOn: '2026-01-01', people: ['boss'], during: 'short' }),
    ],
  ): OnCall {
    return new OnCall({
      omoi: {
        onCall: new Map([['infra', { name: 'infra', timeZone: BERLIN, layers }]]),
        people: new Map(),
      },
      intervals: new TimeIntervals(new Map([['short', [during(times)]]])),
      overrides: {
        at: (_name, ms) => overrides.findLast((one) => ms >= one.startsAtMs && ms < one.endsAtMs) ?? null,
        list: (_name, ms) => overrides.filter((one) => one.endsAtMs > ms),
      },
    });
  }

  /** Who takes over when, as `nextChange` tells it step by step. */
  function changes(onCall: OnCall, from: string, to: string): readonly string[] {
    const told: string[] = [];
    for (let wallMs = at(from); ;) {
      const next = onCall.nextChange('infra', wallMs);
      if (!next || next.atMs > at(to)) return told;
      told.push(`${new Date(next.atMs).toISOString()} ${next.onCall?.person ?? 'nobody'}`);
      wallMs = next.atMs;
    }
  }

  /** The same, found by asking for each minute. */
  function minuteByMinute(onCall: OnCall, from: string, to: string): readonly string[] {
    const told: string[] = [];
    let before = onCall.at('infra', at(from))?.person;
    for (let wallMs = at(from) + MINUTE; wallMs <= at(to); wallMs += MINUTE) {
      const person = onCall.at('infra', wallMs)?.person;
      if (person !== before) told.push(`${new Date(wallMs).toISOString()} ${person ?? 'nobody'}`);
      before = person;
    }
    return told;
  }

  it('is told, of a minute of an interval and of an override of a minute', () => {
    const onCall = scheduleWith(
      [
        [10 * 60 + 7, 10 * 60 + 8],
        [10 * 60 + 10, 10 * 60 + 12],
      ],
      [override('ovr_1', at('2026-06-01T08:20:30Z'), at('2026-06-01T08:21:30Z'))],
    );
    expect(changes(onCall, '2026-06-01T00:00:00Z', '2026-06-01T23:00:00Z')).toEqual([
      '2026-06-01T08:07:00.000Z boss',
      '2026-06-01T08:08:00.000Z ada',
      '2026-06-01T08:10:00.000Z boss',
      '2026-06-01T08:12:00.000Z ada',
      '2026-06-01T08:20:30.000Z eve',
      '2026-06-01T08:21:30.000Z ada',
    ]);
  });

  it.each([
    ['forward', '2026-03-28T22:00:00Z', '2026-03-30T01:00:00Z', 6],
    ['back', '2026-10-24T22:00:00Z', '2026-10-26T01:00:00Z', 12],
  ])(
    'is told where clocks go %s, also within the hour that is left out or comes twice',
    (_, from, to, count) => {
      const onCall = scheduleWith([
        [1 * 60 + 59, 2 * 60 + 1],
        [2 * 60 + 15, 2 * 60 + 16],
        [2 * 60 + 59, 3 * 60 + 1],
        [12 * 60, 12 * 60 + 5],
      ]);
      const told = changes(onCall, from, to);
      expect(told).toEqual(minuteByMinute(onCall, from, to));
      expect(told.length).toBeGreaterThanOrEqual(count);
    },
  );

  it(`is found at the ${maxLooks}th look, and not behind it`, () => {
    const turns = (same: number): OnCallLayer =>
      layer({
        startsOn: '2026-06-01',
        handOverMinute: 0,
        rotation: { everyMs: HOUR },
        people: [...Array.from({ length: same }, () => 'ada'), 'grace'],
      });
    const from = at('2026-05-31T22:00:00Z');
    const found = scheduleWith([], [], [turns(maxLooks)]).nextChange('infra', from);
    expect(found).toMatchObject({ atMs: from + maxLooks * HOUR, onCall: { person: 'grace' } });
    expect(scheduleWith([], [], [turns(maxLooks + 1)]).nextChange('infra', from)).toBeNull();
  });

  it(`is found within ${maxLookAheadMs / 86_400_000} days, and not behind them`, () => {
    const from = at('2026-06-01T08:00:00Z');
    const alone = [layer({ startsOn: '2026-01-01', people: ['ada'] })];
    const afterMs = (ms: number) =>
      scheduleWith([], [override('ovr_1', from + ms, from + ms + MINUTE)], alone).nextChange('infra', from);
    expect(afterMs(maxLookAheadMs)).toMatchObject({ onCall: { person: 'eve' } });
    expect(afterMs(maxLookAheadMs + 1)).toBeNull();
  });
});
