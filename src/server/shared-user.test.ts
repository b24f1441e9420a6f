import { describe, expect, it } from 'vitest';
import { definePool } from '#telemetry';
import { poolsOfOwnUser, sharedUserWarning } from './shared-user.ts';

const OMOI = { uid: 998, name: 'omoi' };
const pool = (id: string, user: string | null) =>
  definePool({ id, command: ['worker'], desired: 1, max: 1, user });

describe('the pools of the server’s own user', () => {
  it('are those that name no other, by name or number', () => {
    const pools = [pool('plain', null), pool('named', 'omoi'), pool('number', '998'), pool('apart', 'build')];
    expect(poolsOfOwnUser(pools, OMOI)).toEqual(['plain', 'named', 'number']);
    expect(poolsOfOwnUser(pools, null)).toEqual(['plain', 'named', 'number', 'apart']);
  });

  it('are told of in one line, some by name', () => {
    expect(sharedUserWarning([])).toBeNull();
    expect(sharedUserWarning(['a', 'b', 'c', 'd'])).toMatch(
      /^agents of a, b, c, … run as the server's own user/,
    );
  });
});
