import { type Message, type NotificationReason, REASON_TEXTS, statusOfMessage } from '../../message.ts';
import { attempt, wholeAnswer } from '../answers.ts';
import {
  completedHttpSettings,
  defaultMaxAlerts,
  defaultTimeoutMs,
  sendJson,
  settingOf,
} from '../http-calls.ts';
import type { Delivery, ReceiverMemory, SendOptions } from '../integration.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import { truncateCharacters } from '../truncation.ts';
import { judgeSlack, type SlackVerdict } from './slack-answers.ts';
import { maxTitleCharacters, slackMessage } from './slack-payload.ts';
import {
  completeSlack,
  type SlackSettings,
  slackSettingsSchema,
  templatedFieldsOfSlack,
  updateUrlOf,
} from './slack-settings.ts';

/** An edit is heard of by nobody: what people have to see is sent to the channel from the thread, too. */
const BROADCAST: readonly NotificationReason[] = ['new_alerts', 'repeat', 'escalation', 'not_healed'];

/** A message that is not there any more, or may not be edited any more, is followed by another. */
const GONE: readonly string[] = [
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'channel_not_found',
  'is_inactive',
];

/** Where the message of an episode is. */
interface Posted {
  readonly channel: string;
  readonly ts: string;
}

/** What a message left, unless its episode is over: then the next one begins with a message of its own. */
function postedBefore(memory: ReceiverMemory | null, reason: NotificationReason): Posted | null {
  if (memory === null || reason === 'first_notification' || memory['ended'] === 'true') return null;
  const { channel, ts } = memory;
  return channel && ts ? { channel, ts } : null;
}

/** A text that is no markup of Slack's: in a title `<!channel>` is a text, in a message it would call everybody. */
function plainText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

class Slack {
  readonly #settings: SlackSettings;
  readonly #tools: IntegrationTools;
  readonly #httpSettings: ReturnType<typeof completedHttpSettings>;

  constructor(settings: SlackSettings, tools: IntegrationTools) {
    this.#settings = settings;
    this.#tools = tools;
    this.#httpSettings = completedHttpSettings(settings);
  }

  send(message: Message, options: SendOptions): Promise<Delivery> {
    return attempt(async () => {
      const { api_url, api_url_file } = this.#settings;
      const url = await settingOf(api_url, api_url_file, this.#tools);
      const updateUrl = this.#edits ? updateUrlOf(url) : null;
      const before = updateUrl === null ? null : postedBefore(options.memory, message.reason);
      if (updateUrl !== null && before !== null) {
        const edited = await this.#edit(message, { url, updateUrl, before, signal: options.signal });
        if (edited !== null) return edited;
      }
      return await this.#post(message, url, updateUrl !== null, options.signal);
    });
  }

  /** With a token they are, unless the configuration does not want it; without one where it does. */
  get #edits(): boolean {
    const { update_message: wanted, app_token, app_token_file } = this.#settings;
    return wanted ?? (app_token !== null || app_token_file !== null);
  }

  async #post(message: Message, url: string, remembers: boolean, signal: AbortSignal): Promise<Delivery> {
    const verdict = await this.#call(url, await this.#payloadOf(message), signal);
    return remembers && verdict.posted !== null
      ? withMemory(verdict.delivery, verdict.posted, message)
      : verdict.delivery;
  }

  /** Edits the episode's message and tells its thread why; null where there is nothing to be edited any more. */
  async #edit(
    message: Message,
    way: {
      readonly url: string;
      readonly updateUrl: string;
      readonly before: Posted;
      readonly signal: AbortSignal;
    },
  ): Promise<Delivery | null> {
    const { url, updateUrl, before, signal } = way;
    const payload = await this.#payloadOf(message);
    const edited = await this.#call(updateUrl, { ...payload, ...before }, signal);
    if (GONE.includes(edited.error)) return null;
    if (edited.delivery.outcome === 'failed') return edited.delivery;
    const { delivery: told } = await this.#call(url, await this.#replyOf(message, before), signal);
    // An edit may be done again without harm, and a thread that cannot be written to is no reason to say it was not told.
    if (told.outcome === 'failed' && told.retryable) return told;
    const delivery =
      told.outcome === 'failed'
        ? { ...edited.delivery, answer: `edited; thread: ${told.reason}` }
        : edited.delivery;
    return withMemory(delivery, before, message);
  }

  #payloadOf(message: Message) {
    return slackMessage(this.#settings, (template) => this.#tools.templates.text(template, message));
  }

  async #replyOf(message: Message, { channel, ts }: Posted): Promise<unknown> {
    const title = truncateCharacters(
      await this.#tools.templates.text(this.#settings.title, message),
      maxTitleCharacters,
    );
    return {
      channel,
      thread_ts: ts,
      text: plainText(`${REASON_TEXTS[message.reason]}: ${title}`),
      ...(BROADCAST.includes(message.reason) ? { reply_broadcast: true } : {}),
    };
  }

  async #call(url: string, body: unknown, signal: AbortSignal): Promise<SlackVerdict> {
    const answer = await sendJson({ url, body, signal, settings: this.#httpSettings }, this.#tools);
    return judgeSlack(wholeAnswer(answer), this.#tools.clock);
  }
}

function withMemory(delivery: Delivery, { channel, ts }: Posted, message: Message): Delivery {
  if (delivery.outcome === 'failed') return delivery;
  const ended = statusOfMessage(message) === 'resolved';
  return { ...delivery, memory: { channel, ts, ...(ended ? { ended: 'true' } : {}) } };
}

/**
 * Messages to a channel of Slack. By an incoming webhook each is a message; with an app's token an episode of a group has one,
 * which is edited as it changes, with its history in the thread.
 */
export const slackReceiver: ReceiverKind<SlackSettings> = {
  key: 'slack_configs',
  type: 'slack',
  addressKeys: ['api_url', 'api_url_file', 'app_url', 'app_token', 'app_token_file', 'channel'],
  settings: slackSettingsSchema,
  complete: completeSlack,
  templatedFields: templatedFieldsOfSlack,
  create(settings, index, tools) {
    const slack = new Slack(settings, tools);
    return {
      type: 'slack',
      index,
      sendResolved: settings.send_resolved,
      maxAlerts: defaultMaxAlerts,
      timeoutMs: settings.timeout > 0 ? settings.timeout : defaultTimeoutMs,
      send: (message, options) => slack.send(message, options),
    };
  },
};
