import { Option, type Command } from 'commander';
import type { AddSilenceFlags, ChangeFlags, ExtendFlags, SilenceListFlags } from '../nouns/silences.ts';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following, reasonOption } from './asking.ts';
import { repeated, wholeNumber } from './numbers.ts';

/** `omoi silences …` */
export function defineSilences(program: Command): void {
  const silences = program
    .command('silences')
    .description('for which alerts nobody is told, until when, and why');
  following(silences.command('list'))
    .description('the silences that have not ended, the newest first')
    .addOption(
      new Option('--state <state>', 'which; live are those that have not ended')
        .choices(['live', 'active', 'pending', 'expired', 'all'])
        .default('live'),
    )
    .option('--match <matcher>', 'with a matcher as it is written in them; may be repeated', repeated, [])
    .option('--limit <number>', 'so many at most', wholeNumber, 100)
    .action(async (flags: SilenceListFlags) => {
      const { listSilences } = await import('../nouns/silences.ts');
      await listSilences(flags);
    });
  following(silences.command('show'))
    .description('one silence: what it is for, from whom, and how it ended')
    .argument('<silence>', 'the silence id')
    .action(async (id: string, flags: FollowFlags) => {
      const { showSilence } = await import('../nouns/silences.ts');
      await showSilence(id, flags);
    });
  defineAdd(silences);
  asking(silences.command('change'))
    .description('change what a silence is for, or why; for other alerts another one takes its place')
    .argument('<silence>', 'the silence id')
    .argument('[matcher...]', 'for what it is from now on, as for add; as before where there is none')
    .option('--reason <text>', 'why: kept with it (default: as before)')
    .option('--until-resolved', 'end it with the alerts that it silences, if that is sooner')
    .option('--no-until-resolved', 'end it at its time alone')
    .action(async (id: string, matchers: string[], flags: ChangeFlags) => {
      const { changeSilence } = await import('../nouns/silences.ts');
      await changeSilence(id, matchers, flags);
    });
  asking(silences.command('extend'))
    .description('move the end of silences, farther or nearer')
    .argument('<silence...>', 'silence ids')
    .option('--for <duration>', 'how long from now on: 30m, 2h, 1d')
    .option('--until <time>', 'in its place: when they end, 2026-12-01T08:00:00Z')
    .action(async (ids: string[], flags: ExtendFlags) => {
      const { extendSilences } = await import('../nouns/silences.ts');
      process.exitCode = await extendSilences(ids, flags);
    });
  asking(silences.command('expire'))
    .description('end silences before their time')
    .argument('<silence...>', 'silence ids')
    .action(async (ids: string[], flags: ServerFlags) => {
      const { expireSilences } = await import('../nouns/silences.ts');
      process.exitCode = await expireSilences(ids, flags);
    });
}

function defineAdd(silences: Command): void {
  asking(silences.command('add'))
    .description('tell nobody of some alerts for a while')
    .argument(
      '[matcher...]',
      'name="value", with =, !=, =~ or !~; all have to match, `or` begins others; a word alone is a rule’s name',
    )
    .option('--alert <alert>', 'in their place: an alert id, or its rule where one alert of it fires')
    .option('--for <duration>', 'how long: 30m, 2h, 1d')
    .option('--until <time>', 'in its place: when it ends, 2026-12-01T08:00:00Z')
    .option('--start <time>', 'when it begins (default: now)')
    .option('--until-resolved', 'end it with the alerts that it silences, if that is sooner')
    .option('--warn-before <duration>', 'tell so long before its end')
    .option('--annotation <name=text>', 'kept with it; may be repeated', repeated, [])
    .addOption(reasonOption(null))
    .action(async (matchers: string[], flags: AddSilenceFlags) => {
      const { addSilence } = await import('../nouns/silences.ts');
      await addSilence(matchers, flags);
    });
}
