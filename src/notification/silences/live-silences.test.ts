import { describe, expect, it } from 'vitest';
import type { Labels, Matcher } from '#telemetry';
import { parseMatchers } from '../configuration/matchers/index.ts';
import { LiveSilences } from './live-silences.ts';
import type { Silence } from './silence.ts';
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
