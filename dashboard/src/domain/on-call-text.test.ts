import { expect, it } from 'vitest';
import { describeLayers, describeNext, describePerson } from './on-call-text.ts';

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
