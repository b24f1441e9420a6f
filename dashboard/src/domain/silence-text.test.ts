import { describe, expect, it } from 'vitest';
import type { Silence } from '../api/wire.ts';
import { describeSilenceTime, readSilenceSearch, silencedAlternatives } from './silence-text.ts';

const NOW_MS = Date.parse('2026-11-30T12:00:00Z');
const SILENCE: Silence = {
  id: 's',
  state: 'active',
  matcher_sets: [['a="b"', 'c="d"'], ['e="f"']],
  starts_at: '2026-11-30T11:00:00Z',
  ends_at: '2026-11-30T13:30:00Z',
  created_by: 'ann',
  set_by: 'ann',
  comment: 'disks',
  annotations: {},
  until_resolved: false,
  warn_before_ms: null,
  alert_id: null,
  created_at: '2026-11-30T11:00:00Z',
  updated_at: '2026-11-30T11:00:00Z',
  end: null,
};

describe('a silence', () => {
  it.each<[Partial<Silence>, string]>([
    [{}, 'ends in 1h30m'],
    [{ until_resolved: true }, 'ends in 1h30m, or with its alerts'],
    [
      { state: 'pending', starts_at: '2026-11-30T12:00:10Z', ends_at: '2026-11-30T12:10:10Z' },
      'begins in 10s, for 10m',
    ],
    [
      {
        state: 'expired',
        ends_at: '2026-11-30T11:59:00Z',
        end: { cause: 'expired', by: 'bob', replaced_by: null },
      },
      'ended 1m ago: before its time by bob',
    ],
    [
      {
        state: 'expired',
        ends_at: '2026-11-30T11:00:00Z',
        end: { cause: 'time', by: null, replaced_by: null },
      },
      'ended 1h ago: its time was over',
    ],
    [{ state: 'expired', ends_at: '2026-11-30T11:59:50Z' }, 'ended 10s ago'],
  ])('%j %s', (given, text) => {
    expect(describeSilenceTime({ ...SILENCE, ...given }, NOW_MS)).toBe(text);
  });

  it('is for one of its alternatives', () => {
    expect(silencedAlternatives(SILENCE)).toEqual(['a="b", c="d"', 'e="f"']);
  });

  it.each([
    [{}, {}],
    [{ show: 'live' }, {}],
    [{ show: 'expired' }, { show: 'expired' }],
    [{ show: 7 }, {}],
  ])('%j of the address is read as %j', (search, read) => {
    expect(readSilenceSearch(search)).toEqual(read);
  });
});
