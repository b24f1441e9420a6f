import type { Command } from 'commander';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following } from './asking.ts';

/** `omoi status` */
export function defineStatus(program: Command): void {
  following(program.command('status'))
    .description('how the whole of it stands: agents, alerts, repairs, and what holds them back')
    .action(async (flags: FollowFlags) => {
      const { showStatus } = await import('../nouns/status.ts');
      await showStatus(flags);
    });
}

/** `omoi doctor` */
export function defineDoctor(program: Command, version: string): void {
  asking(program.command('doctor'))
    .description('what keeps this installation from working, each with what to do; exit 1 for a problem')
    .action(async (flags: ServerFlags) => {
      const { examine } = await import('../nouns/doctor.ts');
      process.exitCode = await examine(flags, version);
    });
}
