import { Option, type Command } from 'commander';
import type { AckFlags, AlertListFlags, AssignFlags, SnoozeFlags } from '../nouns/alerts.ts';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following } from './asking.ts';
import { repeated, wholeNumber } from './numbers.ts';

/** `omoi alerts …` */
export function defineAlerts(program: Command): void {
  const alerts = program.command('alerts').description('what fires, and what people do about it');
  following(alerts.command('list'))
    .description('the alerts that fire, the newest first')
    .addOption(
      new Option('--state <state>', 'which')
        .choices(['firing', 'pending', 'resolved', 'all'])
        .default('firing'),
    )
    .option('--severity <severity>', 'of one severity: critical, error, warning, info')
    .option('--rule <rule>', 'of one rule: group/alert')
    .option('--match <matcher>', 'name="value", with =, !=, =~ or !~; may be repeated', repeated, [])
    .option('--receiver <regex>', 'that the routes in force send to receivers of such a name')
    .option('--limit <number>', 'so many at most', wholeNumber, 100)
    .action(async (flags: AlertListFlags) => {
      const { listAlerts } = await import('../nouns/alerts.ts');
      await listAlerts(flags);
    });
  following(alerts.command('show'))
    .description('one alert, and what has happened around it')
    .argument('<alert>', 'the alert id, or its rule where one alert of it fires')
    .action(async (id: string, flags: FollowFlags) => {
      const { showAlert } = await import('../nouns/alerts.ts');
      await showAlert(id, flags);
    });
  asking(alerts.command('explain'))
    .description('who was told of an alert and who was not, and why')
    .argument('<alert>', 'the alert id, or its rule where one alert of it fires')
    .action(async (id: string, flags: ServerFlags) => {
      const { explainAlert } = await import('../nouns/explained-alert.ts');
      await explainAlert(id, flags);
    });
  defineAck(alerts, 'ack');
  asking(alerts.command('resolve'))
    .description('end an alert; it fires again only after its condition was false once')
    .argument('<alert...>', 'alert ids, or rules: each alert of them that fires')
    .action(async (ids: string[], flags: ServerFlags) => {
      const { handleAlerts } = await import('../nouns/alerts.ts');
      process.exitCode = await handleAlerts('resolve', ids, flags);
    });
  defineSnoozes(alerts);
  defineWords(alerts);
}

const SEVERAL = 'alert ids, or rules: each alert of them that fires';

function defineSnoozes(alerts: Command): void {
  asking(alerts.command('snooze'))
    .description('tell nobody that an alert fires before a time; if it still fires then, people are told')
    .argument('<alert...>', SEVERAL)
    .option('--for <duration>', 'how long from now on: 30m, 2h, 1d; at most 30d')
    .option('--until <time>', 'until when, as 2026-12-01T08:00:00Z')
    .option('--note <text>', 'why')
    .action(async (words: string[], flags: SnoozeFlags) => {
      const { snoozeAlerts } = await import('../nouns/alerts.ts');
      process.exitCode = await snoozeAlerts(words, flags);
    });
  asking(alerts.command('unsnooze'))
    .description('end the snooze of an alert before its time')
    .argument('<alert...>', SEVERAL)
    .action(async (words: string[], flags: ServerFlags) => {
      const { unsnoozeAlerts } = await import('../nouns/alerts.ts');
      process.exitCode = await unsnoozeAlerts(words, flags);
    });
}

function defineWords(alerts: Command): void {
  asking(alerts.command('assign'))
    .description('say who looks after an alert')
    .argument('<alert...>', SEVERAL)
    .option('--to <name>', 'who')
    .option('--nobody', 'nobody any more')
    .action(async (words: string[], flags: AssignFlags) => {
      const { assignAlerts } = await import('../nouns/alerts.ts');
      process.exitCode = await assignAlerts(words, flags);
    });
  asking(alerts.command('comment'))
    .description('say something about an alert, for its timeline; about one that is over, too')
    .argument('<alert>', 'the alert id, or its rule where one alert of it fires')
    .argument('<text>', 'what')
    .action(async (word: string, text: string, flags: ServerFlags) => {
      const { commentAlert } = await import('../nouns/alerts.ts');
      await commentAlert(word, text, flags);
    });
}

/** `omoi alerts ack`, and `omoi ack`. */
export function defineAck(parent: Command, name: string): void {
  const command = asking(parent.command(name));
  command
    .description('say that somebody has seen an alert; the first one to say so is kept')
    .argument('[alert...]', 'alert ids, or rules: each alert of them that fires')
    .option('--all', 'every alert that fires and that nobody has acknowledged')
    .option('--note <text>', 'why, or what is being done about it')
    .action(async (ids: string[], flags: AckFlags) => {
      if (ids.length === 0 && flags.all !== true) command.error('error: name an alert, or --all');
      const { handleAlerts } = await import('../nouns/alerts.ts');
      process.exitCode = await handleAlerts('acknowledge', ids, flags);
    });
}
