/**
 * Compensated summation (Kahan, with Neumaier's improvement): keeps the low-order bits that adding a small number
 * to a large one loses. An overflowing sum stays infinite.
 */
export class KahanSum {
  sum: number;
  compensation: number;

  constructor(first = 0, compensation = 0) {
    this.sum = first;
    this.compensation = compensation;
  }

  set(sum: number, compensation: number): void {
    this.sum = sum;
    this.compensation = compensation;
  }

  add(value: number): void {
    const total = this.sum + value;
    this.compensation = nextCompensation(this.sum, value, this.compensation);
    this.sum = total;
  }

  get total(): number {
    return this.sum + this.compensation;
  }
}

/** The compensation after `value` has been added to `sum`; the new sum is `sum + value`. */
export function nextCompensation(sum: number, value: number, compensation: number): number {
  const total = sum + value;
  if (total === Infinity || total === -Infinity) return 0;
  return Math.abs(sum) >= Math.abs(value)
    ? compensation + (sum - total + value)
    : compensation + (value - total + sum);
}
