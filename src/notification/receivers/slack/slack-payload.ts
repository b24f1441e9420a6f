import { truncateCharacters } from '../truncation.ts';
import type { SlackAction, SlackSettings } from './slack-settings.ts';

/** https://docs.slack.dev/legacy/legacy-messaging/legacy-secondary-message-attachments gives no unit; characters are meant. */
const maxTitleCharacters = 1024;

const MARKDOWN_IN = ['fallback', 'pretext', 'text'];

/** The members that are there: what is '' is left out, as Alertmanager does. */
function filled(members: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''));
}

/** A button: one that opens an address has neither name nor value, and asks for no confirmation. */
function actionOf(action: SlackAction, expand: (template: string) => string): unknown {
  const { confirm } = action;
  const isLink = action.url !== '';
  const shown = filled({
    type: expand(action.type),
    text: expand(action.text),
    url: expand(action.url),
    style: expand(action.style),
    name: isLink ? '' : expand(action.name),
    value: isLink ? '' : expand(action.value),
  });
  if (isLink || !confirm) return shown;
  const asked = filled({
    text: expand(confirm.text),
    title: expand(confirm.title),
    ok_text: expand(confirm.ok_text),
    dismiss_text: expand(confirm.dismiss_text),
  });
  return { ...shown, confirm: asked };
}

function attachmentOf(settings: SlackSettings, expand: (template: string) => string): unknown {
  const { fields, actions, mrkdwn_in: markdownIn } = settings;
  return {
    ...filled({
      title: truncateCharacters(expand(settings.title), maxTitleCharacters),
      title_link: expand(settings.title_link),
      pretext: expand(settings.pretext),
      image_url: expand(settings.image_url),
      thumb_url: expand(settings.thumb_url),
      color: expand(settings.color),
    }),
    text: expand(settings.text),
    fallback: expand(settings.fallback),
    callback_id: expand(settings.callback_id),
    footer: expand(settings.footer),
    mrkdwn_in: markdownIn.length > 0 ? markdownIn : MARKDOWN_IN,
    ...(fields && fields.length > 0
      ? {
          fields: fields.map(({ title, value, short }) => ({
            title: expand(title),
            value: expand(value),
            short: short ?? settings.short_fields,
          })),
        }
      : {}),
    ...(actions && actions.length > 0 ? { actions: actions.map((action) => actionOf(action, expand)) } : {}),
  };
}

/** A message as `chat.postMessage` and incoming webhooks take it. */
export interface SlackMessage {
  readonly channel?: string;
  readonly text?: string;
  readonly attachments: readonly unknown[];
}

export function slackMessage(settings: SlackSettings, expand: (template: string) => string): SlackMessage {
  return {
    ...filled({
      channel: expand(settings.channel),
      username: expand(settings.username),
      icon_emoji: expand(settings.icon_emoji),
      icon_url: expand(settings.icon_url),
      text: expand(settings.message_text),
    }),
    ...(settings.link_names ? { link_names: true } : {}),
    attachments: [attachmentOf(settings, expand)],
  };
}
