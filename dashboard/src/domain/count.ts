const NUMBER = new Intl.NumberFormat('en');

/** `5,000`: as the rest of the page is, in English. */
export function number(count: number): string {
  return NUMBER.format(count);
}

/** `1 agent`, `5,000 agents` */
export function count(amount: number, noun: string): string {
  return `${number(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}

const DIGITS = new Intl.NumberFormat('en', {
  maximumSignificantDigits: 6,
  maximumFractionDigits: 2,
  roundingPriority: 'morePrecision',
});

/** A value as PromQL has it, to be read: `1,234` whole, others in six digits, or to the hundredth; what is no number as it is. */
export function readableValue(text: string): string {
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) return text;
  return Number.isInteger(value) ? number(value) : DIGITS.format(value);
}
