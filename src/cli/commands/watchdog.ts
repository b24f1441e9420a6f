import type { Command } from 'commander';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following, reasonOption } from './asking.ts';

/** `omoi watchdog …` */
export function defineWatchdog(program: Command): void {
  const watchdog = program
    .command('watchdog')
    .description('whether repairs are made, and what holds all of them back');
  following(watchdog.command('state'))
    .description('paused, in a storm, or distrusting itself')
    .action(async (flags: FollowFlags) => {
      const { showState } = await import('../nouns/watchdog.ts');
      await showState(flags);
    });
  definePause(watchdog, 'pause');
  defineResume(watchdog, 'resume');
}

/** `omoi watchdog pause`, and `omoi pause`. */
export function definePause(parent: Command, name: string): void {
  asking(parent.command(name))
    .description('start no repair until somebody resumes; what runs is seen through')
    .addOption(reasonOption('paused by hand'))
    .action(async (flags: ServerFlags & { readonly reason: string }) => {
      const { pauseWatchdog } = await import('../nouns/watchdog.ts');
      await pauseWatchdog(flags);
    });
}

/** `omoi watchdog resume`, and `omoi resume`. */
export function defineResume(parent: Command, name: string): void {
  asking(parent.command(name))
    .description('repair again')
    .action(async (flags: ServerFlags) => {
      const { resumeWatchdog } = await import('../nouns/watchdog.ts');
      await resumeWatchdog(flags);
    });
}
