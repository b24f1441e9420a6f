import { expect, it } from 'vitest';
import { formatMoment } from './age.ts';
import { describeLayers, describeMoment, describeNext, describePerson, standInFor } from './on-call-text.ts';

const NOW_MS = Date.parse('2026-11-30T12:00:00Z');
const ANN = { person: 'ann', receiver: 'pager', override_id: null, layer: 0 };

it.each([
  [null, 'nobody'],
  [ANN, 'ann, told by pager'],
  [
    { ...ANN, receiver: null, layer: null, override_id: 'o' },
    'ann, nobody knows how to tell them; stands in',
  ],
])('%j is on call: %s', (person, text) => {
  expect(describePerson(person)).toBe(text);
});

it.each([
  [null, 'No hand-over within a month'],
  [{ at: '2026-11-30T15:20:00Z', on_call: { ...ANN, person: 'bob' } }, 'Then bob, in 3h20m'],
  [{ at: '2026-11-30T12:00:00.500Z', on_call: null }, 'Then nobody, in 1s'],
])('%j is next: %s', (next, text) => {
  expect(describeNext({ next }, NOW_MS)).toBe(text);
});

it('has the layers, the one that counts first', () => {
  const layers = [
    { people: ['ann', 'bob'], rotation: 'weekly', during: null },
    { people: ['cat'], rotation: '28800000', during: 'nights' },
  ];
  expect(describeLayers({ layers })).toEqual(['every 8h: cat, within nights', 'weekly: ann, bob']);
});

it('has moments by the clock of the schedule, and by that of the reader where it shows another time', () => {
  const atMs = Date.parse('2026-11-30T15:20:00Z');
  const weekLaterMs = NOW_MS + 7 * 86_400_000;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  expect(describeMoment(atMs, timeZone, NOW_MS)).toBe(formatMoment(atMs, NOW_MS));
  const [zone, time, later] =
    timeZone === 'Asia/Kathmandu'
      ? ['UTC', '15:20:00', '12:00:00']
      : ['Asia/Kathmandu', '21:05:00', '17:45:00'];
  const here = formatMoment(atMs, NOW_MS);
  expect(describeMoment(atMs, zone, NOW_MS)).toBe(`${time} in ${zone}, ${here} here`);
  expect(describeMoment(weekLaterMs, zone, NOW_MS)).toContain(`2026, ${later} in ${zone}, `);
  // One that this browser has not heard of yet.
  expect(describeMoment(atMs, 'Mars/Olympus', NOW_MS)).toBe(here);
});

it.each([
  [ANN, ['ann', 'bob'], 'bob'],
  [{ ...ANN, person: 'bob' }, ['ann', 'bob'], 'ann'],
  [null, ['ann', 'bob'], 'ann'],
  [ANN, ['ann'], 'ann'],
  [ANN, [], ''],
])('%j has it: of %j the first to be offered is %s', (now, people, first) => {
  expect(standInFor({ on_call: now }, people)).toBe(first);
});
