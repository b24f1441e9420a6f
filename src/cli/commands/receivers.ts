import { Option, type Command } from 'commander';
import type { MessageListFlags } from '../nouns/messages.ts';
import type { FollowFlags, ServerFlags } from '../server-client.ts';
import { asking, following } from './asking.ts';
import { wholeNumber } from './numbers.ts';

/** `omoi receivers …` */
export function defineReceivers(program: Command): void {
  const receivers = program.command('receivers').description('who is told of alerts, and by which way');
  following(receivers.command('list'))
    .description('the receivers of the routing configuration, and how many messages wait for them')
    .action(async (flags: FollowFlags) => {
      const { listReceivers } = await import('../nouns/receivers.ts');
      await listReceivers(flags);
    });
  asking(receivers.command('test'))
    .description(
      'send a message that says that it is a test, its end where it opens an incident, and tell what came of it',
    )
    .argument('<receiver>', 'the name of the receiver')
    .action(async (name: string, flags: ServerFlags) => {
      const { testReceiver } = await import('../nouns/receivers.ts');
      process.exitCode = await testReceiver(name, flags);
    });
}

/** `omoi notifications …` */
export function defineNotifications(program: Command): void {
  const notifications = program.command('notifications').description('the messages that tell of alerts');
  following(notifications.command('list'))
    .description('messages, the newest first, and what their receivers said')
    .addOption(
      new Option('--state <state>', 'of one state').choices(['pending', 'delivered', 'failed', 'superseded']),
    )
    .option('--receiver <receiver>', 'to one receiver')
    .option('--limit <number>', 'so many at most', wholeNumber, 50)
    .action(async (flags: MessageListFlags) => {
      const { listMessages } = await import('../nouns/messages.ts');
      await listMessages(flags);
    });
}
