import { wordsOf } from '#telemetry';
import { byBlocks, SAMPLES_AT_ONCE, type Steps } from '../evaluation/pacing.ts';
import { numbersFirst, partAt } from './order-statistics.ts';

const DIGITS = 4;
const DIGIT_VALUES = 2 ** 16;

/** As `numbersFirst`, with pauses. */
export function* numbersFirstInSteps(values: Float64Array): Steps<number> {
  let numbers = 0;
  yield* byBlocks(values.length, (from, to) => {
    const ofBlock = numbersFirst(values.subarray(from, to));
    if (numbers < from) values.copyWithin(numbers, from, from + ofBlock);
    numbers += ofBlock;
  });
  return numbers;
}

/**
 * The `place`th smallest, from 0, of many numbers without NaN, which stay as they are. Their bits, read so that they
 * ascend as the numbers do, are four digits of a large base: of those that have the same first digits as the one that is
 * looked for, the next digits are counted until few are left. Each pass goes through them in order and can pause
 * anywhere, which parting them in place (`partAt`) can't.
 */
export function* selectInSteps(numbers: Float64Array, place: number): Steps<number> {
  let left = numbers;
  let rank = place;
  for (let digit = 0; digit < DIGITS && left.length > SAMPLES_AT_ONCE; digit++) {
    const counts = yield* countDigits(left, digit);
    let wanted = 0;
    while (rank >= (counts[wanted] ?? 0)) rank -= counts[wanted++] ?? 0;
    const count = counts[wanted] ?? 0;
    if (count < left.length) left = yield* withDigit(left, digit, { wanted, count });
  }
  // What has all digits in common is one number.
  if (left.length > SAMPLES_AT_ONCE) return left[0] ?? NaN;
  const few = left.slice();
  partAt(few, rank);
  return few[rank] ?? NaN;
}

/** The next smallest after the `place`th, from 0, which is `least`. */
export function* followerInSteps(numbers: Float64Array, least: number, place: number): Steps<number> {
  let notAbove = 0;
  let next = Infinity;
  yield* byBlocks(numbers.length, (from, to) => {
    let above = next;
    let count = 0;
    for (let at = from; at < to; at++) {
      const number = numbers[at] ?? NaN;
      if (number <= least) count++;
      else if (number < above) above = number;
    }
    notAbove += count;
    next = above;
  });
  return notAbove > place + 1 ? least : next;
}

function* countDigits(numbers: Float64Array, digit: number): Steps<Uint32Array> {
  const words = wordsOf(numbers);
  const counts = new Uint32Array(DIGIT_VALUES);
  yield* byBlocks(numbers.length, (from, to) => {
    for (let at = from; at < to; at++) {
      const value = digitOf(words[2 * at + 1] ?? 0, words[2 * at] ?? 0, digit);
      counts[value] = (counts[value] ?? 0) + 1;
    }
  });
  return counts;
}

function* withDigit(
  numbers: Float64Array,
  digit: number,
  { wanted, count }: { readonly wanted: number; readonly count: number },
): Steps<Float64Array> {
  const words = wordsOf(numbers);
  const found = new Float64Array(count);
  let length = 0;
  yield* byBlocks(numbers.length, (from, to) => {
    for (let at = from; at < to; at++) {
      const isFound = digitOf(words[2 * at + 1] ?? 0, words[2 * at] ?? 0, digit) === wanted;
      if (isFound) found[length++] = numbers[at] ?? NaN;
    }
  });
  return found;
}

/** Of a number's two words, with the sign turned over, and of negative numbers all other bits, so that they ascend. */
function digitOf(high: number, low: number, digit: number): number {
  const mask = (high | 0) >> 31;
  switch (digit) {
    case 0:
      return (high ^ (mask | 0x80000000)) >>> 16;
    case 1:
      return (high ^ mask) & 0xffff;
    case 2:
      return (low ^ mask) >>> 16;
    default:
      return (low ^ mask) & 0xffff;
  }
}
