import type { Command } from 'commander';
import type { FollowFlags } from '../server-client.ts';
import { following } from './asking.ts';

/** `omoi agents why`, and `omoi why`. */
export function defineWhy(parent: Command, name: string): void {
  following(parent.command(name))
    .description('how it stands with an agent: evidence, alerts, repairs, what holds them back, what to do')
    .argument('<agent>', 'the agent id')
    .action(async (agentId: string, flags: FollowFlags) => {
      const { explainAgent } = await import('../why.ts');
      await explainAgent(agentId, flags);
    });
}
