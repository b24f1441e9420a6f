import { expect, it } from 'vitest';
import { formatTime } from './duration.ts';

it.each([
  [0, '0s'],
  [-5, '0s'],
  [340, '340ms'],
  [999.7, '1s'],
  [1_750, '1.75s'],
  [4_519, '4.51s'],
  [9_999, '9.99s'],
  [12_029, '12s'],
  [72_900, '1m12s'],
  [7_500_001, '2h5m'],
])('tells people of %d ms as %s', (durationMs, text) => expect(formatTime(durationMs)).toBe(text));
