import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { transition, type Observation, type Phase, type TransitionTimes } from './transition.ts';

const base: TransitionTimes = {
  nowMs: 0,
  forMs: 0,
  keepFiringForMs: 0,
  resolveStabilityMs: 1000,
  failedRuleResolveMs: 60_000,
};

/** One letter an evaluation, one second apart: + holds, - is false, 0 has no data, ! can't be evaluated. */
function play(script: string, options: Partial<TransitionTimes>): string {
  let phase: Phase | null = null;
  let failingSinceMs: number | null = null;
  const seen: string[] = [];
  Array.from(script).forEach((letter, second) => {
    const nowMs = second * 1000;
    if (letter !== '!') failingSinceMs = null;
    else failingSinceMs ??= nowMs;
    const observation: Observation =
      letter === '+'
        ? { kind: 'holds' }
        : letter === '!'
          ? { kind: 'unknown', sinceMs: failingSinceMs ?? nowMs }
          : { kind: 'misses', cause: letter === '0' ? 'data_vanished' : 'recovered' };
    const step = transition(phase, observation, { ...base, ...options, nowMs });
    phase = step.next;
    const event = step.event === null ? '' : step.event.kind === 'fired' ? '!fired' : `!${step.event.cause}`;
    seen.push((phase === null ? '.' : phase.kind.charAt(0)) + event);
  });
  return seen.join(' ');
}

describe('the phases of an alert (p pending, f firing, k keep_firing, d dismissed)', () => {
  it.each([
    ['fires at once without `for`', '-+', {}, '. f!fired'],
    ['waits for `for`', '++++', { forMs: 2000 }, 'p p f!fired f'],
    ['a pending alert that goes missing is dropped at once', '++-+++', { forMs: 2000 }, 'p p . p p f!fired'],
    ['a blip of recovery is no episode', '+-++', { resolveStabilityMs: 2000 }, 'f!fired k f f'],
    ['recovery has to stay', '+--', {}, 'f!fired k .!recovered'],
    ['without stability it resolves at once', '+-', { resolveStabilityMs: 0 }, 'f!fired .!recovered'],
    [
      'keep_firing_for counts from the first miss',
      '+----',
      { keepFiringForMs: 3000 },
      'f!fired k k k .!recovered',
    ],
    ['the condition again during keep_firing_for', '+--+--', { keepFiringForMs: 3000 }, 'f!fired k k f k k'],
    ['keep_firing_for is not for pending alerts', '+-', { forMs: 1000, keepFiringForMs: 3000 }, 'p .'],
    ['vanished data has a cause of its own', '+00', {}, 'f!fired k .!data_vanished'],
    ['the last observation names the cause', '+-0', {}, 'f!fired k .!data_vanished'],
    ['what comes back has to be false all along', '+0--', {}, 'f!fired k k .!recovered'],
    [
      'what comes and goes has vanished where nothing is there',
      '+0-0',
      { resolveStabilityMs: 2000 },
      'f!fired k k .!data_vanished',
    ],
    [
      'what comes back late in keep_firing_for has the stability for itself',
      '+000--',
      { keepFiringForMs: 3500 },
      'f!fired k k k k .!recovered',
    ],
    ['a failing rule never reads as recovered', '+!!!!!', {}, 'f!fired f f f f f'],
    [
      'a failing rule resolves after a long time',
      '+!!!',
      { failedRuleResolveMs: 2000 },
      'f!fired f f .!evaluation_failed',
    ],
    ['a failure while pending keeps the pending time', '+!+', { forMs: 2000 }, 'p p f!fired'],
    ['a failure while it is kept firing starts the stability anew', '+-!--', {}, 'f!fired k f k .!recovered'],
    ['fires again after it was resolved', '+--+', {}, 'f!fired k .!recovered f!fired'],
  ])('%s: %s', (_name, script, options, expected) => {
    expect(play(script, options)).toBe(expected);
  });

  it('stays silent after a person resolved it until the condition was false once', () => {
    const dismissed: Phase = { kind: 'dismissed', activeAtMs: 0 };
    expect(transition(dismissed, { kind: 'holds' }, base).next).toEqual(dismissed);
    expect(transition(dismissed, { kind: 'unknown', sinceMs: 0 }, { ...base, nowMs: 1e9 }).next).toEqual(
      dismissed,
    );
    expect(transition(dismissed, { kind: 'misses', cause: 'recovered' }, base).next).toBeNull();
  });

  it('asks to be woken when `for`, the stability or the failure limit is over', () => {
    const wake = (phase: Phase | null, observation: Observation, options: Partial<TransitionTimes>) =>
      transition(phase, observation, { ...base, nowMs: 10_000, ...options }).wakeAtMs;
    expect(wake(null, { kind: 'holds' }, { forMs: 5000 })).toBe(15_000);
    expect(wake({ kind: 'firing', activeAtMs: 0 }, { kind: 'misses', cause: 'recovered' }, {})).toBe(11_000);
    expect(wake({ kind: 'firing', activeAtMs: 0 }, { kind: 'unknown', sinceMs: 8000 }, {})).toBe(68_000);
    expect(wake({ kind: 'firing', activeAtMs: 0 }, { kind: 'holds' }, {})).toBeNull();
  });

  it('alternates fired and resolved, whatever is observed', () => {
    const letters = fc.constantFrom('+', '-', '0', '!');
    const options = fc.record({
      forMs: fc.constantFrom(0, 1000, 3000),
      keepFiringForMs: fc.constantFrom(0, 2000),
      resolveStabilityMs: fc.constantFrom(0, 1000),
      failedRuleResolveMs: fc.constantFrom(2000, 60_000),
    });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 60 }), options, (script, chosen) => {
        const events = play(script.join(''), chosen)
          .split(' ')
          .flatMap((step) => (step.includes('!') ? [step.includes('!fired')] : []));
        expect(events).toEqual(events.map((_, place) => place % 2 === 0));
      }),
    );
  });
});
