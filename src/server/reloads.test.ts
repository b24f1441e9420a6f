import { expect, it } from 'vitest';
import { reloadsInTurn } from './reloads.ts';

it('of two reloads at once the files of the later one stay in force, also where the first takes long or fails', async () => {
  for (const outcome of ['done', 'failed']) {
    let file = 'old';
    let inForce = '';
    const firstMayGoOn = Promise.withResolvers<void>();
    const reload = reloadsInTurn(async () => {
      const read = file;
      if (read === 'old') await firstMayGoOn.promise;
      if (read === 'old' && outcome === 'failed') throw new Error('a policy is broken');
      inForce = read;
    });
    const first = reload();
    file = 'new';
    const second = reload();
    firstMayGoOn.resolve();
    const [told] = await Promise.allSettled([first, second]);
    expect(told.status).toBe(outcome === 'done' ? 'fulfilled' : 'rejected');
    expect(inForce).toBe('new');
  }
});
