import { describe, expect, it } from 'vitest';
import {
  describeEnd,
  describeLife,
  generationAt,
  lastWithOutput,
  type KnownGeneration,
} from './generations.ts';

const at = (time: string): string => `2026-05-01T${time}.000Z`;

function generation(number: number, known: Partial<KnownGeneration> = {}): KnownGeneration {
  return {
    generation: number,
    opened_at: at(`10:0${number}:00`),
    ended_at: at(`10:0${number}:30`),
    exit_code: 1,
    exit_signal: null,
    last_output: null,
    ...known,
  };
}

describe('describeLife', () => {
  const nowMs = Date.parse(at('10:02:15'));
  const open = { ended_at: null, exit_code: null };
  it.each([
    [generation(2, open), 'for 15s'],
    [generation(1), 'lived 30s, ended with 1'],
    // Its process is still being ended: it is not the one that runs.
    [generation(1, open), 'replaced, its end not seen yet; started 1m15s ago'],
  ])('%j: %s', (life, text) => expect(describeLife(life, { newest: 2, nowMs })).toBe(text));
});

describe('lastWithOutput', () => {
  it.each([
    { told: 'nobody has left any', generations: [generation(1), generation(2)], found: null },
    {
      told: 'the newest one that ended counts',
      generations: [
        generation(3, { ended_at: null, last_output: 'at work' }),
        generation(2, { last_output: 'boom' }),
        generation(1, { last_output: 'older' }),
      ],
      found: 2,
    },
    {
      told: 'blanks are no output',
      generations: [generation(2, { last_output: ' \n' }), generation(1, { last_output: 'boom' })],
      found: 1,
    },
  ])('$told', ({ generations, found }) => {
    expect(lastWithOutput(generations)?.generation ?? null).toBe(found);
  });
});

describe('generationAt', () => {
  it.each([
    { time: '10:01:45', found: 1 },
    { time: '10:02:00', found: 2 },
    { time: '09:00:00', found: null },
  ])('at $time it was generation $found', ({ time, found }) => {
    const generations = [generation(2), generation(1)];
    expect(generationAt(generations, at(time))?.generation ?? null).toBe(found);
  });
});

describe('describeEnd', () => {
  it.each([
    [{ exit_signal: 'SIGKILL', exit_code: null }, 'ended with SIGKILL'],
    [{ exit_code: 0 }, 'ended with 0'],
    [{ exit_code: null }, 'ended with unknown'],
    [{ ended_at: null }, null],
  ])('of %j it says %s', (known, told) => {
    expect(describeEnd(generation(1, known))).toBe(told);
  });
});
