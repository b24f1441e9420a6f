import type { Command } from 'commander';
import type { RemediationListFlags } from '../nouns/remediations.ts';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following } from './asking.ts';
import { wholeNumber } from './numbers.ts';

/** `omoi remediations …` */
export function defineRemediations(program: Command): void {
  const remediations = program
    .command('remediations')
    .description('what the watchdog repairs, has repaired, and would repair if you let it');
  following(remediations.command('list'))
    .description('the remediations, the newest first')
    .option(
      '--state <state>',
      'of one state: planned, awaiting_approval, executing, verifying, completed, escalated …',
    )
    .option('--policy <policy>', 'of one policy')
    .option('--target <id>', 'of one agent or pool')
    .option('--limit <number>', 'so many at most', wholeNumber, 50)
    .action(async (flags: RemediationListFlags) => {
      const { listRemediations } = await import('../nouns/remediations.ts');
      await listRemediations(flags);
    });
  following(remediations.command('show'))
    .description('what one did, what it rests on, and what holds it back')
    .argument('<remediation>', 'the remediation id')
    .action(async (id: string, flags: FollowFlags) => {
      const { showRemediation } = await import('../nouns/remediations.ts');
      await showRemediation(id, flags);
    });
  defineDecision(remediations, 'approve');
  defineDecision(remediations, 'reject');
}

/** `omoi remediations approve` and `reject`, and `omoi approve`. */
export function defineDecision(parent: Command, decision: 'approve' | 'reject'): void {
  asking(parent.command(decision))
    .description(
      decision === 'approve'
        ? 'let a remediation that awaits approval go on'
        : 'have a remediation that awaits approval not done',
    )
    .argument('<remediation...>', 'remediation ids')
    .action(async (ids: string[], flags: ServerFlags) => {
      const { decideRemediations } = await import('../nouns/remediations.ts');
      process.exitCode = await decideRemediations(decision, ids, flags);
    });
}
