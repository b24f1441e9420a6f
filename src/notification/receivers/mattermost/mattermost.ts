import { attempt, judgeAnswer } from '../answers.ts';
import { inOrder } from '../in-order.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import { jsonOf, textIn } from '../json-answers.ts';
import type { ReceiverKind } from '../receiver-kind.ts';
import type { Expand } from '../../templates/message-templates.ts';
import { truncateCharacters } from '../truncation.ts';
import { writtenTexts } from '../written-texts.ts';
import {
  ATTACHMENT_TEXTS,
  completeMattermost,
  mattermostSettings,
  templatedFieldsOfMattermost,
  type MattermostAttachment,
  type MattermostSettings,
} from './mattermost-settings.ts';

/** What Mattermost takes of a text, since version 5.0: its upgrade notes, in a copy of August 2026. */
const maxTextCharacters = 16_383;

/** `mattermost_configs`: a message by an incoming webhook. */
export const mattermostReceiver: ReceiverKind<MattermostSettings> = {
  key: 'mattermost_configs',
  type: 'mattermost',
  addressKeys: ['webhook_url', 'webhook_url_file', 'channel'],
  settings: mattermostSettings,
  complete: completeMattermost,
  templatedFields: templatedFieldsOfMattermost,
  create: (settings, index, tools) => ({
    type: 'mattermost',
    index,
    sendResolved: settings.send_resolved,
    maxAlerts: defaultMaxAlerts,
    timeoutMs: defaultTimeoutMs,
    send: (message, { signal }) =>
      attempt(async () => {
        const body = await payloadOf(settings, (template) => tools.templates.text(template, message));
        const url = await settingOf(settings.webhook_url, settings.webhook_url_file, tools);
        const call = { url, body, signal, settings: completedHttpSettings(settings) };
        const answer = await sendJson(call, tools);
        return judgeAnswer(answer, tools.clock, { details: (said) => textIn(jsonOf(said), 'message') });
      }),
  }),
};

/** Where attachments are written the text stands above them; else it is in the one attachment that the settings make. */
async function payloadOf(settings: MattermostSettings, expand: Expand) {
  const hasOwn = settings.attachments.length > 0;
  const attachments = hasOwn ? settings.attachments : [settings];
  const card = settings.props?.card ?? '';
  const priority = await priorityOf(settings.priority, expand);
  return {
    ...writtenTexts({
      text: hasOwn ? truncateCharacters(await expand(settings.text), maxTextCharacters) : '',
      channel: await expand(settings.channel),
      username: await expand(settings.username),
      icon_url: await expand(settings.icon_url),
      icon_emoji: await expand(settings.icon_emoji),
      type: await expand(settings.type),
    }),
    attachments: await inOrder(attachments, (attachment) => attachmentOf(attachment, expand)),
    ...(card === '' ? {} : { props: { card: await expand(card) } }),
    ...(priority === null ? {} : { priority }),
  };
}

async function attachmentOf(given: MattermostAttachment, expand: Expand) {
  const texts = await inOrder(ATTACHMENT_TEXTS, async (key) => [key, await expand(given[key])] as const);
  const fields = await inOrder(given.fields, async ({ title, value, short }) => ({
    title: await expand(title),
    value: await expand(value),
    ...(short === null ? {} : { short }),
  }));
  const { text = '', ...others } = Object.fromEntries(texts);
  return {
    ...writtenTexts({ ...others, text: truncateCharacters(text, maxTextCharacters) }),
    ...(fields.length > 0 ? { fields } : {}),
  };
}

const PRIORITIES = ['urgent', 'important', 'standard'];

/** Mattermost refuses an acknowledgement of what is standard, and persistent notifications of what is not urgent. */
async function priorityOf(given: MattermostSettings['priority'], expand: Expand) {
  if (!given || given.priority === '') return null;
  const written = (await expand(given.priority)).toLowerCase();
  const priority = PRIORITIES.includes(written) ? written : 'standard';
  return {
    priority,
    ...(given.requested_ack && priority !== 'standard' ? { requested_ack: true } : {}),
    ...(given.persistent_notifications && priority === 'urgent' ? { persistent_notifications: true } : {}),
  };
}
