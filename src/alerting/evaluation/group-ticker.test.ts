import { describe, expect, it } from 'vitest';
import { nextTickMs } from './group-ticker.ts';

describe('the interval of a group', () => {
  it('comes round at the same moments after every start, apart from that of others', () => {
    const first = nextTickMs(1_000_000, 15_000, 'a.yml;g');
    expect(nextTickMs(first - 1, 15_000, 'a.yml;g')).toBe(first);
    expect(nextTickMs(first, 15_000, 'a.yml;g')).toBe(first + 15_000);
    expect((nextTickMs(1_000_000, 15_000, 'a.yml;h') - first) % 15_000).not.toBe(0);
  });
});
