import { describe, expect, it } from 'vitest';
import { readLoginSearch, readViewSearch } from './search.ts';

describe('readViewSearch', () => {
  it.each([
    { search: {}, read: { range: '15m', events: 'all' } },
    {
      search: { pool: 'coders', agent: 'coders-1', range: '1h', events: 'repairs' },
      read: { pool: 'coders', agent: 'coders-1', range: '1h', events: 'repairs' },
    },
    { search: { well: 'listed' }, read: { range: '15m', events: 'all', well: 'listed' } },
    {
      search: { pool: 7, range: 'toString', events: null, well: true },
      read: { range: '15m', events: 'all' },
    },
  ])('reads $search', ({ search, read }) => expect(readViewSearch(search)).toEqual(read));
});

describe('readLoginSearch', () => {
  it.each([
    { next: '/traces/abc?span=1', kept: true },
    { next: 'https://attacker.example', kept: false },
    { next: '//attacker.example', kept: false },
    { next: '/\\attacker.example', kept: false },
  ])('keeps $next: $kept', ({ next, kept }) => {
    expect(readLoginSearch({ next })).toEqual(kept ? { next } : {});
  });
});
