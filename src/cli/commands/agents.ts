import type { Command } from 'commander';
import type { AgentListFlags, AgentOrderFlags, RestartFlags } from '../nouns/agents.ts';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following, reasonOption } from './asking.ts';
import { wholeNumber } from './numbers.ts';
import { defineWhy } from './why.ts';

/** `omoi agents …` */
export function defineAgents(program: Command): void {
  const agents = program
    .command('agents')
    .description('who works, how each of them does, and orders to them');
  defineAgentList(agents, 'list');
  following(agents.command('show'))
    .description('one agent and its generations')
    .argument('<agent>', 'the agent id')
    .action(async (agentId: string, flags: FollowFlags) => {
      const { showAgent } = await import('../nouns/agents.ts');
      await showAgent(agentId, flags);
    });
  defineRestart(agents, 'restart');
  for (const [order, description, reason] of ORDERS) {
    asking(agents.command(order))
      .description(description)
      .argument('<agent...>', 'agent ids')
      .addOption(reasonOption(reason))
      .action(async (ids: string[], flags: AgentOrderFlags) => {
        const { orderAgents } = await import('../nouns/agents.ts');
        process.exitCode = await orderAgents(order, ids, flags);
      });
  }
  asking(agents.command('drain'))
    .description(
      'let an agent finish what it has, take no more, and leave: also one that Omoi has not started',
    )
    .argument('<agent...>', 'agent ids')
    .addOption(reasonOption('drained by hand'))
    .action(async (ids: string[], flags: AgentOrderFlags) => {
      const { drainAgents } = await import('../nouns/agents.ts');
      process.exitCode = await drainAgents(ids, flags);
    });
  asking(agents.command('forget'))
    .description('forget an external agent: it leaves the fleet, whatever its process does')
    .argument('<agent...>', 'agent ids')
    .action(async (ids: string[], flags: ServerFlags) => {
      const { forgetAgents } = await import('../nouns/agents.ts');
      process.exitCode = await forgetAgents(ids, flags);
    });
  defineWhy(agents, 'why');
}

const ORDERS = [
  ['stop', 'let an agent finish and end; it stays away until somebody restarts it', 'stopped by hand'],
  ['quarantine', 'give an agent no more work; its process goes on', null],
  ['release', 'end a quarantine', 'released by hand'],
] as const;

/** `omoi agents list`, and `omoi ps`. */
export function defineAgentList(parent: Command, name: string): void {
  following(parent.command(name))
    .description('the agents, each with its status and why')
    .option('--pool <pool>', 'of one pool')
    .option('--status <status>', 'of one status: IDLE, RUNNING, DEGRADED, STALLED, UNRESPONSIVE, FAILED …')
    .option('-a, --all', 'those that ended on purpose, too')
    .option('--limit <number>', 'so many at most', wholeNumber, 1000)
    .action(async (flags: AgentListFlags) => {
      const { listAgents } = await import('../nouns/agents.ts');
      await listAgents(flags);
    });
}

/** `omoi agents restart`, and `omoi restart`. */
export function defineRestart(parent: Command, name: string): void {
  asking(parent.command(name))
    .description(
      'start the next generation of an agent; one at work finishes first, one that hangs is ended at once',
    )
    .argument('<agent...>', 'agent ids')
    .addOption(reasonOption('restarted by hand'))
    .option('--generation <number>', 'only if this generation runs', wholeNumber)
    .option('-w, --wait', 'come back when the next generation is up')
    .action(async (ids: string[], flags: RestartFlags) => {
      const { restartAgents } = await import('../nouns/agents.ts');
      process.exitCode = await restartAgents(ids, flags);
    });
}
