import { describe, expect, it } from 'vitest';
import { VirtualClock } from '#telemetry';
import { type Identity, IdentityCache, maxCachedIdentities } from './identity-cache.ts';

/** As far as the cache looks at one. */
function identityOf(tokenId: string, expiresAtMs: number | null = null): Identity {
  return { token: { id: tokenId } as Identity['token'], expiresAtMs };
}

describe('what secrets stood for', () => {
  it('is forgotten with their token, all sessions of it too, and nothing else', () => {
    const cache = new IdentityCache(new VirtualClock());
    const told: (string | null)[] = [];
    cache.onForgotten((id) => told.push(id));
    for (const hash of ['own', 'session 1', 'session 2']) cache.remember(hash, identityOf('a'), cache.epoch);
    cache.remember('other', identityOf('b'), cache.epoch);
    const before = cache.epoch;
    cache.forgetToken('a');
    expect(['own', 'session 1', 'session 2', 'other'].map((hash) => cache.find(hash)?.token.id)).toEqual([
      undefined,
      undefined,
      undefined,
      'b',
    ]);
    expect([cache.epoch > before, told]).toEqual([true, ['a']]);
    cache.remember('own', identityOf('a'), before);
    expect(cache.find('own')).toBeNull();
  });

  it('is known by its token after one of its sessions was forgotten, has grown old or is read anew', async () => {
    const clock = new VirtualClock();
    const cache = new IdentityCache(clock);
    for (const hash of ['ended', 'old', 'anew']) cache.remember(hash, identityOf('a'), cache.epoch);
    cache.forget('ended');
    await clock.advance(30_000);
    expect(cache.find('old')).toBeNull();
    // It is another token's secret now.
    cache.remember('anew', identityOf('b'), cache.epoch);
    cache.forgetToken('a');
    expect(cache.find('anew')?.token.id).toBe('b');
    cache.forgetToken('b');
    expect(cache.find('anew')).toBeNull();
  });

  it(`is kept for ${maxCachedIdentities} secrets, and what was read first goes`, () => {
    const cache = new IdentityCache(new VirtualClock());
    for (let place = 0; place <= maxCachedIdentities; place++) {
      cache.remember(`hash ${place}`, identityOf(`token ${place % 2}`), cache.epoch);
    }
    expect([cache.find('hash 0'), cache.find('hash 1')?.token.id]).toEqual([null, 'token 1']);
    // One that is there already takes nobody's place.
    cache.remember('hash 2', identityOf('token 0'), cache.epoch);
    expect(cache.find('hash 1')?.token.id).toBe('token 1');
  });

  it('is forgotten for each of 10,000 tokens without looking at the others', () => {
    const cache = new IdentityCache(new VirtualClock());
    let looked = 0;
    for (let place = 0; place < maxCachedIdentities; place++) {
      const identity = {
        expiresAtMs: null,
        get token() {
          looked++;
          return { id: `token ${place}` } as Identity['token'];
        },
      };
      cache.remember(`hash ${place}`, identity, cache.epoch);
    }
    looked = 0;
    for (let place = 0; place < maxCachedIdentities; place++) cache.forgetToken(`token ${place}`);
    expect(looked).toBeLessThanOrEqual(2 * maxCachedIdentities);
    expect(cache.find('hash 5')).toBeNull();
  });
});
