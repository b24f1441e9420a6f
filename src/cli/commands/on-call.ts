import type { Command } from 'commander';
import type { OnCallFlags, OverrideFlags } from '../nouns/on-call.ts';
import type { ServerFlags } from '../server-client.ts';
import { asking, following, reasonOption } from './asking.ts';

/** `omoi on-call …` */
export function defineOnCall(program: Command): void {
  const onCall = program.command('on-call').description('who is on call, and who stands in for whom');
  following(onCall.command('show'))
    .description('who is on call by each schedule, until when, and who is next')
    .option('--at <time>', 'at another time: 2026-12-24T20:00:00Z')
    .action(async (flags: OnCallFlags) => {
      const { showOnCall } = await import('../nouns/on-call.ts');
      await showOnCall(flags);
    });
  asking(onCall.command('override'))
    .description('put somebody on call in the place of whoever a schedule has, for a while')
    .argument('<schedule>', 'the name of the schedule')
    .argument('<person>', 'who stands in')
    .option('--for <duration>', 'how long: 30m, 8h, 2d')
    .option('--until <time>', 'in its place: when it ends, 2026-12-25T08:00:00Z')
    .option('--start <time>', 'when it begins (default: now)')
    .addOption(reasonOption(''))
    .action(async (schedule: string, person: string, flags: OverrideFlags) => {
      const { overrideOnCall } = await import('../nouns/on-call.ts');
      await overrideOnCall({ schedule, person }, flags);
    });
  asking(onCall.command('cancel'))
    .description('take an override away: the schedule counts again')
    .argument('<override>', 'the override id')
    .action(async (id: string, flags: ServerFlags) => {
      const { cancelOverride } = await import('../nouns/on-call.ts');
      await cancelOverride(id, flags);
    });
}
