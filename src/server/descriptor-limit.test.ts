import { describe, expect, it } from 'vitest';
import { connectionsWithin, descriptorLimit } from './descriptor-limit.ts';

describe('the number of connections', () => {
  it.each([
    ['no limit is known', 20_000, null, 20_000],
    ['there is room', 20_000, 1_048_576, 20_000],
    ['descriptors are few', 20_000, 4096, 3584],
    ['there are hardly any', 20_000, 256, 128],
  ])('where %s', (_, wanted, descriptors, expected) => {
    expect(connectionsWithin(wanted, descriptors)).toBe(expected);
  });

  it('knows the limit of this process on Linux, and no limit elsewhere', () => {
    if (process.platform === 'linux') expect(descriptorLimit()).toBeGreaterThan(0);
    expect(descriptorLimit('/nowhere/limits')).toBeNull();
  });
});
