import { Option, type Command } from 'commander';
import type { AckFlags, AlertListFlags } from '../nouns/alerts.ts';
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
}

/** `omoi alerts ack`, and `omoi ack`. */
export function defineAck(parent: Command, name: string): void {
  const command = asking(parent.command(name));
  command
    .description('say that somebody has seen an alert; the first one to say so is kept')
    .argument('[alert...]', 'alert ids, or rules: each alert of them that fires')
    .option('--all', 'every alert that fires and that nobody has acknowledged')
    .action(async (ids: string[], flags: AckFlags) => {
      if (ids.length === 0 && flags.all !== true) command.error('error: name an alert, or --all');
      const { handleAlerts } = await import('../nouns/alerts.ts');
      process.exitCode = await handleAlerts('acknowledge', ids, flags);
    });
}
