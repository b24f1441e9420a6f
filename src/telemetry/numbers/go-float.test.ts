import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../../tests/property-runs.ts';
import { formatFloat, type FloatForm } from './go-float.ts';

describe('a float as Go writes it', () => {
  it.each<[number, FloatForm, number | null, string]>([
    [2.5, 'f', 0, '2'],
    [3.5, 'f', 0, '4'],
    [0.5, 'f', 0, '0'],
    [1.25, 'f', 1, '1.2'],
    [0.125, 'f', 2, '0.12'],
    [0.375, 'f', 2, '0.38'],
    [-2.5, 'f', 0, '-2'],
    [1e21, 'f', 1, '1000000000000000000000.0'],
    [0.1, 'f', 20, '0.10000000000000000555'],
    [12345, 'e', 3, '1.234e+04'],
    [9.5, 'e', 0, '1e+01'],
    [999.95, 'g', 4, '1000'],
    [999.25, 'g', 4, '999.2'],
    [999.75, 'g', 4, '999.8'],
    [9999.5, 'g', 4, '1e+04'],
    [0.00001234, 'g', 2, '1.2e-05'],
    [1234567, 'g', null, '1.234567e+06'],
    [123456, 'g', null, '123456'],
    [1e-4, 'g', null, '0.0001'],
    [5e-324, 'g', null, '5e-324'],
    [Number.MAX_VALUE, 'g', null, '1.7976931348623157e+308'],
    [0, 'g', 4, '0'],
    [-0, 'g', null, '-0'],
    [0, 'e', 2, '0.00e+00'],
    [0, 'f', 2, '0.00'],
    [Infinity, 'f', 2, '+Inf'],
    [-Infinity, 'g', null, '-Inf'],
    [NaN, 'e', null, 'NaN'],
  ])('%d as %%%s with precision %s is %s', (value, form, precision, text) => {
    expect(formatFloat(value, form, precision)).toBe(text);
  });

  it('is read back as what it was, and rounds to what is nearest', () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(finite, fc.constantFrom<FloatForm>('e', 'f', 'g'), (value, form) => {
        expect(Number(formatFloat(value, form, null))).toBe(value);
      }),
      { numRuns: propertyRuns(500) },
    );
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.nat(8), (value, digits) => {
        const distance = Math.abs(Number(formatFloat(value, 'f', digits)) - value);
        expect(distance).toBeLessThanOrEqual(10 ** -digits * 0.5000001);
      }),
      { numRuns: propertyRuns(500) },
    );
  });
});
