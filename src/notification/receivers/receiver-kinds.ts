import { commandReceiver } from './command/command.ts';
import { discordReceiver } from './discord/discord-receiver.ts';
import { emailReceiver } from './email/email.ts';
import { incidentioReceiver } from './incidentio/incidentio.ts';
import { jiraReceiver } from './jira/jira.ts';
import { mattermostReceiver } from './mattermost/mattermost.ts';
import { msteamsReceiver } from './msteams/msteams.ts';
import { msteamsv2Receiver } from './msteamsv2/msteamsv2-receiver.ts';
import { opsgenieReceiver } from './opsgenie/opsgenie.ts';
import { pagerdutyReceiver } from './pagerduty/pagerduty-receiver.ts';
import { pushoverReceiver } from './pushover/pushover.ts';
import { rocketchatReceiver } from './rocketchat/rocketchat.ts';
import { slackReceiver } from './slack/slack-receiver.ts';
import { snsReceiver } from './sns/sns.ts';
import { telegramReceiver } from './telegram/telegram.ts';
import { victoropsReceiver } from './victorops/victorops.ts';
import { webexReceiver } from './webex/webex.ts';
import { webhookReceiver } from './webhook/webhook-receiver.ts';
import { wechatReceiver } from './wechat/wechat.ts';
import type { ReceiverKind } from './receiver-kind.ts';

/** Every kind of integration that a receiver may have. */
export const RECEIVER_KINDS: readonly ReceiverKind[] = [
  anyKind(commandReceiver),
  anyKind(discordReceiver),
  anyKind(emailReceiver),
  anyKind(incidentioReceiver),
  anyKind(jiraReceiver),
  anyKind(mattermostReceiver),
  anyKind(msteamsReceiver),
  anyKind(msteamsv2Receiver),
  anyKind(opsgenieReceiver),
  anyKind(pagerdutyReceiver),
  anyKind(pushoverReceiver),
  anyKind(rocketchatReceiver),
  anyKind(slackReceiver),
  anyKind(snsReceiver),
  anyKind(telegramReceiver),
  anyKind(victoropsReceiver),
  anyKind(webexReceiver),
  anyKind(webhookReceiver),
  anyKind(wechatReceiver),
];

/** A kind among others: its settings are known to itself alone, which is given none but those that it has read. */
function anyKind<Settings>(kind: ReceiverKind<Settings>): ReceiverKind {
  return kind as unknown as ReceiverKind;
}
