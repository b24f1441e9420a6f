import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Labels, type Matcher, unpaced } from '#telemetry';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { createAlertMatcherLater, isStillToCompile, parseMatchers } from '../configuration/matchers/index.ts';
import { LiveSilences, maxFollowedChanges } from './live-silences.ts';
import { coversLabels, type Silence } from './silence.ts';
import { DEFAULT_SILENCE_LIMITS } from './silence-limits.ts';

const NOW_MS = Date.UTC(2026, 10, 30);

function silenceOf(
  id: string,
  matcherSets: readonly (readonly Matcher[])[],
  rest: Partial<Silence> = {},
): Silence {
  return {
    id,
    matcherSets,
    startsAtMs: NOW_MS,
    endsAtMs: NOW_MS + 1000,
    createdBy: 'ann',
    setBy: 'ann',
    comment: '',
    annotations: {},
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    untilResolved: false,
    warnBeforeMs: null,
    warnedAtMs: null,
    alertId: null,
    end: null,
    ...rest,
  };
}

/** Matchers that count how often they are asked. */
function counted(text: string): { readonly matchers: readonly Matcher[]; readonly asked: () => number } {
  let asked = 0;
  const matchers = parseMatchers(text).map((matcher) => ({
    ...matcher,
    matches(value: string) {
      asked++;
      return matcher.matches(value);
    },
  }));
  return { matchers, asked: () => asked };
}

describe('what a label set is silenced by', () => {
  it('is looked up once as long as no silence comes, and by the time that is asked for', () => {
    const live = new LiveSilences();
    const { matchers, asked } = counted('alertname=Down');
    live.put(silenceOf('1', [matchers]));
    const labels = { alertname: 'Down' };
    const before = asked();
    for (const wallMs of [NOW_MS - 1, NOW_MS, NOW_MS + 999, NOW_MS + 1000]) {
      const isActive = wallMs >= NOW_MS && wallMs < NOW_MS + 1000;
      expect(live.of(labels, wallMs).map(({ id }) => id)).toEqual(isActive ? ['1'] : []);
    }
    expect(asked() - before).toBe(1);
  });

  it('follows each that comes, is for others, or goes', () => {
    const live = new LiveSilences();
    const labels: Labels = { alertname: 'Down' };
    const ids = (): readonly string[] => live.of(labels, NOW_MS).map(({ id }) => id);
    live.put(silenceOf('1', [parseMatchers('alertname=Down')]));
    expect(ids()).toEqual(['1']);
    live.put(silenceOf('2', [parseMatchers('alertname=~"D.*"')]));
    expect(ids().toSorted()).toEqual(['1', '2']);
    live.put(silenceOf('1', [parseMatchers('alertname=Up')]));
    expect(ids()).toEqual(['2']);
    live.delete('2');
    expect(ids()).toEqual([]);
  });

  it('holds a label set against those that ask for one of its values alone, of as many as there may be', () => {
    const live = new LiveSilences();
    const sets = Array.from({ length: DEFAULT_SILENCE_LIMITS.maxSilences }, (_, at) =>
      counted(`alertname=Down,instance="web-${at}"`),
    );
    for (const [at, { matchers }] of sets.entries()) live.put(silenceOf(String(at), [matchers]));
    const asked = (): number => sets.reduce((sum, set) => sum + set.asked(), 0);
    const before = asked();
    for (let at = 0; at < 10_000; at++) {
      const labels = { alertname: 'Down', instance: `web-${at}`, job: 'node', severity: 'critical' };
      expect(live.of(labels, NOW_MS)).toHaveLength(1);
    }
    // One silence each, of two matchers; and the one that lies under the name that all have.
    expect(asked() - before).toBeLessThanOrEqual(10_000 * 4);
  });
});

/** A silence of one expression that asks for no value, and tells how often it was asked. */
function unvalued(id: string, text = 'unit=~"(web|unit)-[0-9]*x.*"') {
  const { matchers, asked } = counted(text);
  return { silence: silenceOf(id, [matchers]), asked };
}

describe('expressions that ask for no value', () => {
  it('are asked in pieces ahead, and not again then', () => {
    const live = new LiveSilences();
    const all = Array.from({ length: 1000 }, (_, at) => unvalued(String(at)));
    for (const { silence } of all) live.put(silence);
    const asked = (): number => all.reduce((sum, one) => sum + one.asked(), 0);
    const labels = { unit: 'unit-1' };
    let before = asked();
    const looking = live.lookUp(labels);
    let pieces = 0;
    while (!looking.next().done) {
      expect(asked() - before).toBeLessThanOrEqual(1);
      before = asked();
      pieces++;
    }
    expect(pieces).toBe(1000);
    expect(live.of(labels, NOW_MS)).toEqual([]);
    expect(asked()).toBe(before);
  });

  it.each([
    [1, 1],
    [maxFollowedChanges, maxFollowedChanges],
    [maxFollowedChanges + 1, 2 * maxFollowedChanges + 1],
  ])('%i that have come since a label set was looked up: %i are asked', (come, expected) => {
    const live = new LiveSilences();
    const all = Array.from({ length: maxFollowedChanges }, (_, at) => unvalued(`before ${at}`));
    const labels = { unit: 'unit-1' };
    for (const { silence } of all) live.put(silence);
    live.of(labels, NOW_MS);
    const since = Array.from({ length: come }, (_, at) => unvalued(`since ${at}`));
    for (const { silence } of since) live.put(silence);
    const asked = (): number => [...all, ...since].reduce((sum, one) => sum + one.asked(), 0);
    const before = asked();
    live.of(labels, NOW_MS);
    expect(asked() - before).toBe(expected);
  });
});

describe('those that are put unread', () => {
  it('are asked only by label sets that they may be for', () => {
    const live = new LiveSilences();
    const sets = ['A', 'B'].map((name) => counted(`alertname=${name},unit=~"web-[0-9]+"`));
    for (const [at, { matchers }] of sets.entries()) live.putUnread(silenceOf(String(at), [matchers]));
    const labels = { alertname: 'A', unit: 'web-1' };
    const found = (): readonly string[] => live.of(labels, NOW_MS).map(({ id }) => id);
    expect(found()).toEqual(['0']);
    // Of the other one the name alone was asked.
    expect(sets[1]?.asked()).toBe(1);
    unpaced(live.reading());
    expect(found()).toEqual(['0']);
    expect(live.of({ ...labels, alertname: 'B' }, NOW_MS).map(({ id }) => id)).toEqual(['1']);
  });

  it('wait for nothing where nothing is to be compiled', () => {
    const live = new LiveSilences();
    live.putUnread(silenceOf('1', [parseMatchers('alertname=~"A|B",unit!="web-1"')]));
    expect(live.reading().next().done).toBe(true);
    expect(live.of({ alertname: 'B' }, NOW_MS)).toHaveLength(1);
  });

  it('are asked nothing until they are read, one in each piece, or somebody looks', () => {
    const live = new LiveSilences();
    const all = Array.from({ length: 10 }, (_, at) => unvalued(String(at)));
    const asked = (): number => all.reduce((sum, one) => sum + (one.asked() > 0 ? 1 : 0), 0);
    for (const { silence } of all) live.putUnread(silence);
    expect([asked(), live.size, live.unvalued]).toEqual([0, 10, 10]);
    const reading = live.reading();
    reading.next();
    reading.next();
    expect([asked(), live.unvalued]).toEqual([2, 10]);
    // Who wants to see one, or to change its comment, compiles nothing.
    expect(live.get('7')?.id).toBe('7');
    live.put({ ...(all[7]?.silence ?? silenceOf('none', [])), comment: 'another' });
    expect([asked(), live.get('7')?.comment]).toEqual([2, 'another']);
    expect(live.of({ unit: 'web-7x' }, NOW_MS)).toHaveLength(10);
    expect([asked(), reading.next().done]).toEqual([10, true]);
  });

  it('are read with a pause after each expression', () => {
    const live = new LiveSilences();
    const sets = Array.from({ length: 20 }, (_, at) => counted(`unit=~"web-${at}.+"`));
    const asked = (): number => sets.reduce((sum, one) => sum + one.asked(), 0);
    live.putUnread(
      silenceOf(
        '1',
        sets.map(({ matchers }) => matchers),
      ),
    );
    let most = 0;
    const reading = live.reading();
    for (let piece = 0; piece < 10; piece++) {
      const before = asked();
      reading.next();
      most = Math.max(most, asked() - before);
    }
    const look = live.lookUp({ unit: 'web-19x' });
    // What is left to compile: the label set is asked of all after that.
    for (let piece = 0; piece < 10; piece++) {
      const before = asked();
      look.next();
      most = Math.max(most, asked() - before);
    }
    unpaced(look);
    expect(most).toBe(1);
    expect(live.of({ unit: 'web-19x' }, NOW_MS)).toHaveLength(1);
    unpaced(reading);
    expect(live.of({ unit: 'web-19x' }, NOW_MS)).toHaveLength(1);
  });

  it('stay so in those that go on with their matchers, which break no look where they cannot be read', () => {
    const unreadable: string[] = [];
    const live = new LiveSilences(({ id }) => unreadable.push(id));
    const [good, broken] = ['web-[0-9]+', 'web-['].map((value) => [
      [createAlertMatcherLater('unit', '=~', value)],
    ]);
    if (!good || !broken) throw new Error('two were made');
    for (const [id, sets] of [
      ['1', good],
      ['2', broken],
    ] as const) {
      live.putUnread(silenceOf(id, sets));
      live.put(silenceOf(`${id} changed`, sets));
      live.delete(id);
    }
    expect([live.unvalued, good.flat().some(isStillToCompile)]).toEqual([2, true]);
    expect(live.of({ unit: 'web-1' }, NOW_MS).map(({ id }) => id)).toEqual(['1 changed']);
    expect([unreadable, live.size]).toEqual([['2 changed'], 1]);
  });

  it('are no more where they cannot be read', () => {
    const unreadable: string[] = [];
    const live = new LiveSilences(({ id }, thrown) => unreadable.push(`${id}: ${String(thrown)}`));
    const broken: Matcher = {
      name: 'a',
      operator: '=~',
      value: '[',
      matches() {
        throw new Error('missing ]');
      },
    };
    live.putUnread(silenceOf('1', [parseMatchers('b=1'), [broken]]));
    live.putUnread(silenceOf('2', [parseMatchers('b=1')]));
    expect(live.of({ b: '1' }, NOW_MS).map(({ id }) => id)).toEqual(['2']);
    expect([unreadable, live.size]).toEqual([['1: Error: missing ]'], 1]);
  });
});

it('finds what all together cover, whatever comes, changes and goes between the pieces of a look', () => {
  const labelSets = [{ a: '1' }, { a: '2', b: 'x' }, { b: 'xy' }];
  const texts = ['a=1', 'a=~"1.*|2.+|2"', 'b=~"x.*"', 'a!=1', 'a="",b!=x'];
  const step = fc.record({
    what: fc.constantFrom('put', 'put late', 'put unread', 'read a piece', 'delete', 'look', 'look a piece'),
    id: fc.integer({ min: 0, max: 5 }).map(String),
    text: fc.constantFrom(...texts),
    labels: fc.constantFrom(...labelSets),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const live = new LiveSilences();
      const model = new Map<string, Silence>();
      const looks = new Map<Labels, Generator<void, unknown>>();
      let reading = live.reading();
      for (const { what, id, text, labels } of steps) {
        const matchers = parseMatchers(text);
        const late = matchers.map(({ name, operator, value }) =>
          createAlertMatcherLater(name, operator, value),
        );
        const silence = silenceOf(id, [what === 'put' ? matchers : late]);
        if (what === 'delete') {
          live.delete(id);
          model.delete(id);
        } else if (what === 'put' || what === 'put late' || (what === 'put unread' && !model.has(id))) {
          if (what === 'put unread') live.putUnread(silence);
          else live.put(silence);
          model.set(id, silence);
        } else if (what === 'read a piece') {
          if (reading.next().done) reading = live.reading();
        } else if (what === 'look a piece') {
          const look = looks.get(labels) ?? live.lookUp(labels);
          looks.set(labels, look);
          if (look.next().done) looks.delete(labels);
        } else {
          const expected = [...model.values()].filter((one) => coversLabels(one, labels));
          const found = live.of(labels, NOW_MS).map((one) => one.id);
          expect(found.toSorted()).toEqual(expected.map((one) => one.id).toSorted());
        }
      }
      for (const look of looks.values()) unpaced(look as Generator<void, void>);
      for (const labels of labelSets) {
        const expected = [...model.values()].filter((one) => coversLabels(one, labels));
        const found = live.of(labels, NOW_MS).map((one) => one.id);
        expect(found.toSorted()).toEqual(expected.map((one) => one.id).toSorted());
      }
    }),
    { numRuns: propertyRuns(500) },
  );
});
