import { z } from 'zod';

import { discordReceiver } from './discord/discord-receiver.ts';
import { msteamsv2Receiver } from './msteamsv2/msteamsv2-receiver.ts';
import { describeReceiver } from './receiver-conformance.test-support.ts';

describeReceiver({
  kind: discordReceiver,
  settings: (address) => ({ webhook_url: `${address}/api/webhooks/1234567890/SECRET-discord-token` }),
  secrets: ['SECRET-discord-token'],
  documentation: {
    url: 'https://discord.com/developers/docs/resources/webhook#execute-webhook',
    date: '2026-11',
  },
  taken: () => ({ status: 204 }),
  payload: z.strictObject({
    content: z.string().max(2000),
    username: z.string().min(1).max(80).optional(),
    avatar_url: z.url().optional(),
    embeds: z
      .array(
        z.strictObject({
          title: z.string().max(256),
          description: z.string().max(4096),
          color: z.int().min(0).max(0xff_ff_ff),
        }),
      )
      .length(1),
  }),
});

const textBlock = z.strictObject({
  type: z.literal('TextBlock'),
  text: z.string(),
  wrap: z.boolean().optional(),
  weight: z.enum(['Default', 'Lighter', 'Bolder']).optional(),
  size: z.enum(['Default', 'Small', 'Medium', 'Large', 'ExtraLarge']).optional(),
  style: z.enum(['default', 'heading']).optional(),
  color: z.enum(['Default', 'Dark', 'Light', 'Accent', 'Good', 'Warning', 'Attention']).optional(),
});

describeReceiver({
  kind: msteamsv2Receiver,
  settings: (address) => ({
    webhook_url: `${address}/workflows/aaaa/triggers/manual?sig=SECRET-teams-signature`,
  }),
  secrets: ['SECRET-teams-signature'],
  documentation: {
    url: 'https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using',
    date: '2026-11',
  },
  taken: () => ({ status: 202 }),
  payload: z.strictObject({
    type: z.literal('message'),
    attachments: z
      .array(
        z.strictObject({
          contentType: z.literal('application/vnd.microsoft.card.adaptive'),
          contentUrl: z.null(),
          content: z.strictObject({
            $schema: z.literal('http://adaptivecards.io/schemas/adaptive-card.json'),
            type: z.literal('AdaptiveCard'),
            version: z.literal('1.2'),
            body: z.array(textBlock).length(2),
            msteams: z.strictObject({ width: z.literal('full') }),
          }),
        }),
      )
      .length(1),
  }),
});
