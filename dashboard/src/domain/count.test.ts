import { describe, expect, it } from 'vitest';
import { count, number, readableValue } from './count.ts';

describe('count', () => {
  it.each([
    { amount: 0, said: '0 agents' },
    { amount: 1, said: '1 agent' },
    { amount: 5_000, said: '5,000 agents' },
  ])('says $said', ({ amount, said }) => expect(count(amount, 'agent')).toBe(said));

  it('parts thousands whatever the language of the browser', () =>
    expect(number(1_234_567)).toBe('1,234,567'));
});

describe('readableValue', () => {
  it.each([
    ['0.30000000000000004', '0.3'],
    ['1234', '1,234'],
    ['1234567.891', '1,234,567.89'],
    ['-2', '-2'],
    ['NaN', 'NaN'],
    ['+Inf', '+Inf'],
    ['', ''],
  ])('of %j is %j', (text, read) => expect(readableValue(text)).toBe(read));
});
