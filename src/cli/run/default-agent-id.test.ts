import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { defaultAgentId, freeAgentId } from './default-agent-id.ts';

const here = { poolId: 'coders', host: 'web-1', directory: '/srv/shop' };

describe('the default id', () => {
  it('stays for the same pool, host and directory', () => {
    expect(defaultAgentId(here)).toMatch(/^coders-web-1-shop-[0-9a-f]{6}$/);
    expect(defaultAgentId(here)).toBe(defaultAgentId({ ...here }));
  });

  it.each([
    ['another pool', { poolId: 'testers' }],
    ['another host', { host: 'web-2' }],
    ['another directory of the same name', { directory: '/home/ann/shop' }],
  ])('is another one for %s', (_what, difference) => {
    expect(defaultAgentId({ ...here, ...difference })).not.toBe(defaultAgentId(here));
  });

  it.each([
    ['the root', '/', /^coders-web-1-[0-9a-f]{6}$/],
    ['a name that is none', '/srv/Übung (alt)', /^coders-web-1--bung-alt--[0-9a-f]{6}$/],
    ['a long one', `/srv/${'x'.repeat(300)}`, /^coders-web-1-x{50}-[0-9a-f]{6}$/],
  ])('is a name in %s', (_what, directory, id) => {
    expect(defaultAgentId({ ...here, directory })).toMatch(id);
  });
});

describe.runIf(process.platform === 'linux')('a free id', () => {
  it('has a suffix for the second and the third at once', async () => {
    const id = `coders-${randomUUID()}`;
    expect([await freeAgentId(id), await freeAgentId(id), await freeAgentId(id)]).toEqual([
      id,
      `${id}-2`,
      `${id}-3`,
    ]);
  });
});
