import { webhookReceiver } from './webhook/webhook-receiver.ts';
import { slackReceiver } from './slack/slack-receiver.ts';
import { pagerdutyReceiver } from './pagerduty/pagerduty-receiver.ts';
import { msteamsv2Receiver } from './msteamsv2/msteamsv2-receiver.ts';
import { discordReceiver } from './discord/discord-receiver.ts';
import { msteamsReceiver } from './msteams/msteams.ts';
import type { ReceiverKind } from './receiver-kind.ts';
import { snsReceiver } from './sns/sns.ts';
import { wechatReceiver } from './wechat/wechat.ts';

/** Every kind of integration that a receiver may have. */
export const RECEIVER_KINDS: readonly ReceiverKind[] = [
  anyKind(webhookReceiver),
  anyKind(slackReceiver),
  anyKind(pagerdutyReceiver),
  anyKind(msteamsv2Receiver),
  anyKind(discordReceiver),
  anyKind(msteamsReceiver),
  anyKind(snsReceiver),
  anyKind(wechatReceiver),
];

/** A kind among others: its settings are known to itself alone, which is given none but those that it has read. */
export function anyKind<Settings>(kind: ReceiverKind<Settings>): ReceiverKind {
  return kind as unknown as ReceiverKind;
}
