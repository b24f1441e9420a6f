/** How often each number of an array may be looked at before what is left of it is sorted. */
const MAX_LOOKS = 12;

/**
 * Parts an array of numbers without NaN so that the `place`th smallest, from 0, stands where sorting would put it, all
 * before it are no larger and all behind it no smaller. Takes time in proportion to the array: a window of a year has
 * half a million samples, and sorting them holds everybody else up.
 * Source: C. A. R. Hoare, "Algorithm 65: Find", CACM 1961, with the median of three at random places as pivot.
 */
export function partAt(values: Float64Array, place: number): void {
  let left = 0;
  let right = values.length - 1;
  let looksLeft = MAX_LOOKS * values.length;
  // The ends and the middle would do badly with what rises and falls again. A generator of Numerical Recipes.
  let random = 1;
  const anyOf = (): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return left + Math.floor((random / 2 ** 32) * (right - left + 1));
  };
  while (left < right) {
    looksLeft -= right - left;
    if (looksLeft < 0) {
      values.subarray(left, right + 1).sort();
      return;
    }
    const pivot = medianOfThree(values[anyOf()] ?? 0, values[anyOf()] ?? 0, values[anyOf()] ?? 0);
    let low = left;
    let high = right;
    while (low <= high) {
      while ((values[low] ?? 0) < pivot) low++;
      while ((values[high] ?? 0) > pivot) high--;
      if (low > high) break;
      const value = values[low] ?? 0;
      values[low++] = values[high] ?? 0;
      values[high--] = value;
    }
    if (place <= high) right = high;
    else if (place >= low) left = low;
    else return;
  }
}

function medianOfThree(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/** Moves NaN to the end of an array. @returns how many numbers stand before them */
export function numbersFirst(values: Float64Array): number {
  let numbers = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? NaN;
    if (Number.isNaN(value)) continue;
    values[at] = NaN;
    values[numbers++] = value;
  }
  return numbers;
}
