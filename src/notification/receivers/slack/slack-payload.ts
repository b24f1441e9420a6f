import type { Expand } from '../../templates/message-templates.ts';
import { truncateCharacters } from '../truncation.ts';
import { inOrder } from '../in-order.ts';
import type { SlackAction, SlackSettings } from './slack-settings.ts';

/** https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments gives no unit; characters are meant. */
export const maxTitleCharacters = 1024;

/**
 * What Slack takes of a text (`msg_too_long` of chat.postMessage; docs.slack.dev, "Truncating really long messages"): what is longer
 * it cuts, or refuses.
 */
const maxTextCharacters = 40_000;

/** A text that may be long: whoever reads its beginning has been told. */
const shortened = (text: string): string => truncateCharacters(text, maxTextCharacters);

const MARKDOWN_IN = ['fallback', 'pretext', 'text'];

/** The members that are there: what is '' is left out, as Alertmanager does. */
function filled(members: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''));
}

/** A button: one that opens an address has neither name nor value, and asks for no confirmation. */
async function actionOf(action: SlackAction, expand: Expand): Promise<unknown> {
  const { confirm } = action;
  const isLink = action.url !== '';
  const shown = filled({
    type: await expand(action.type),
    text: await expand(action.text),
    url: await expand(action.url),
    style: await expand(action.style),
    name: isLink ? '' : await expand(action.name),
    value: isLink ? '' : await expand(action.value),
  });
  if (isLink || !confirm) return shown;
  const asked = filled({
    text: await expand(confirm.text),
    title: await expand(confirm.title),
    ok_text: await expand(confirm.ok_text),
    dismiss_text: await expand(confirm.dismiss_text),
  });
  return { ...shown, confirm: asked };
}

async function attachmentOf(settings: SlackSettings, expand: Expand): Promise<unknown> {
  const { fields, actions, mrkdwn_in: markdownIn } = settings;
  return {
    ...filled({
      title: truncateCharacters(await expand(settings.title), maxTitleCharacters),
      title_link: await expand(settings.title_link),
      pretext: shortened(await expand(settings.pretext)),
      image_url: await expand(settings.image_url),
      thumb_url: await expand(settings.thumb_url),
      color: await expand(settings.color),
    }),
    text: shortened(await expand(settings.text)),
    fallback: shortened(await expand(settings.fallback)),
    callback_id: await expand(settings.callback_id),
    footer: await expand(settings.footer),
    mrkdwn_in: markdownIn.length > 0 ? markdownIn : MARKDOWN_IN,
    ...(fields && fields.length > 0
      ? {
          fields: await inOrder(fields, async ({ title, value, short }) => ({
            title: await expand(title),
            value: shortened(await expand(value)),
            short: short ?? settings.short_fields,
          })),
        }
      : {}),
    ...(actions && actions.length > 0
      ? { actions: await inOrder(actions, (action) => actionOf(action, expand)) }
      : {}),
  };
}

/** A message as `chat.postMessage` and incoming webhooks take it. */
export interface SlackMessage {
  readonly channel?: string;
  readonly text?: string;
  readonly attachments: readonly unknown[];
}

export async function slackMessage(settings: SlackSettings, expand: Expand): Promise<SlackMessage> {
  return {
    ...filled({
      channel: await expand(settings.channel),
      username: await expand(settings.username),
      icon_emoji: await expand(settings.icon_emoji),
      icon_url: await expand(settings.icon_url),
      text: shortened(await expand(settings.message_text)),
    }),
    ...(settings.link_names ? { link_names: true } : {}),
    attachments: [await attachmentOf(settings, expand)],
  };
}
