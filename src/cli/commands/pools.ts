import type { Command } from 'commander';
import type { PoolListFlags, ScaleFlags } from '../nouns/pools.ts';
import type { FollowFlags } from '../server-client.ts';
import { asking, following, reasonOption } from './asking.ts';
import { wholeNumber } from './numbers.ts';

/** `omoi pools …` */
export function definePools(program: Command): void {
  const pools = program
    .command('pools')
    .description('agents of one kind that Omoi starts: how many run, and how many should');
  following(pools.command('list'))
    .description('the pools and their sizes')
    .option('--limit <number>', 'so many at most', wholeNumber, 1000)
    .action(async (flags: PoolListFlags) => {
      const { listPools } = await import('../nouns/pools.ts');
      await listPools(flags);
    });
  following(pools.command('show'))
    .description('one pool and its processes')
    .argument('<pool>', 'the pool id')
    .action(async (poolId: string, flags: FollowFlags) => {
      const { showPool } = await import('../nouns/pools.ts');
      await showPool(poolId, flags);
    });
  asking(pools.command('scale'))
    .description('say how many agents a pool should have: a number, or +N with --for')
    .argument('<pool>', 'the pool id')
    .argument('<size>', '4: so many from now on; +2: so many more for a while')
    .option('--for <duration>', 'how long +N holds: 30m, 2h; at most 1d')
    .addOption(reasonOption('scaled by hand'))
    .action(async (poolId: string, size: string, flags: ScaleFlags) => {
      const { scalePool } = await import('../nouns/pools.ts');
      await scalePool(poolId, size, flags);
    });
}
