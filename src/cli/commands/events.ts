import { Option, type Command } from 'commander';
import type { EventFlags } from '../nouns/events.ts';
import type { LogFlags } from '../nouns/logs.ts';
import { following } from './asking.ts';
import { count, repeated, wholeNumber } from './numbers.ts';

/** `omoi events` and `omoi logs`: what has happened, and what agents put out. */
export function defineEvents(program: Command): void {
  following(program.command('events'))
    .description('what has happened, in the order in which it was committed')
    .option(
      '--type <type>',
      'an event type or its dotted beginning: fleet.agent; may be repeated',
      repeated,
      [],
    )
    .option('--about <id>', 'of one agent, alert, task, pool …')
    .option('--trace <id>', 'of one trace')
    .option('-n, --limit <number>', 'so many of the newest, up to 1000', count, 50)
    .action(async (flags: EventFlags) => {
      const { listEvents } = await import('../nouns/events.ts');
      await listEvents(flags);
    });
}

/** `omoi logs` */
export function defineLogs(program: Command): void {
  following(program.command('logs'))
    .description('the end of what an agent put out; -f goes on, over its restarts')
    .argument('<agent>', 'the agent id')
    .option('-n, --lines <number>', 'so many lines of each stream, up to 5000', wholeNumber, 200)
    .option('--generation <number>', 'of an earlier generation', wholeNumber)
    .addOption(new Option('--stream <stream>', 'which').choices(['both', 'stdout', 'stderr']).default('both'))
    .action(async (agentId: string, flags: LogFlags) => {
      const { showOutput } = await import('../nouns/logs.ts');
      await showOutput(agentId, flags);
    });
}
