import { expect, it } from 'vitest';
import { z } from 'zod';
import { wholeNumber } from './whole-number.ts';

const query = z.strictObject({
  limit: wholeNumber({ min: 1, max: 1000 }).default(100),
  before_id: wholeNumber({ min: 0 }).optional(),
});

it.each([
  [{}, { limit: 100 }],
  [{ limit: '1' }, { limit: 1 }],
  [{ limit: '1000' }, { limit: 1000 }],
  [{ limit: '007' }, { limit: 7 }],
  [{ before_id: '0' }, { limit: 100, before_id: 0 }],
  [{ before_id: '9007199254740991' }, { limit: 100, before_id: Number.MAX_SAFE_INTEGER }],
])('%o is taken as %o', (given, read) => {
  expect(query.parse(given)).toEqual(read);
});

it.each([
  { limit: '' },
  { limit: '0' },
  { limit: '1001' },
  { limit: '-1' },
  { limit: '+5' },
  { limit: ' 5' },
  { limit: '0x10' },
  { limit: '1e2' },
  { limit: '5.0' },
  { limit: ['5', '6'] },
  { before_id: '' },
  { before_id: '9007199254740992' },
])('%o is refused', (given) => {
  expect(query.safeParse(given).success).toBe(false);
});

it('is described as an integer', () => {
  expect(z.toJSONSchema(query, { io: 'input' }).properties?.['limit']).toMatchObject({
    type: 'integer',
    minimum: 1,
    maximum: 1000,
  });
});
