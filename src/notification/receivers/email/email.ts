import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Message } from '../../message.ts';
import type { MessageTemplates } from '../../templates/message-templates.ts';
import { failed, failureOf } from '../answers.ts';
import { inOrder } from '../in-order.ts';
import { defaultMaxAlerts, settingOf } from '../http-calls.ts';
import { RequestSecrets } from '../http/request-secrets.ts';
import { readTlsMaterial } from '../http/tls-material.ts';
import type { Delivery, Integration, SendOptions } from '../integration.ts';
import type { IntegrationTools, ReceiverKind } from '../receiver-kind.ts';
import {
  completeEmail,
  emailSettings,
  headerTemplates,
  templatedFieldsOfEmail,
  type EmailSettings,
} from './email-settings.ts';
import { threadOf } from './email-thread.ts';
import { mailAddresses } from './mail-addresses.ts';
import { composeMail, type Mail } from './mail-content.ts';
import { bounded, failureOfSmtp, failureOfTemporary, retryAfterMsOf } from './smtp-failures.ts';
import { plainToken } from './smtp-authentication.ts';
import {
  handOver,
  SMTP_DEADLINES,
  type HandedOver,
  type SmtpDeadlines,
  type SmtpServer,
} from './smtp-session.ts';

/** How long a mail may take in all. */
const EMAIL_TIMEOUT_MS = 60_000;

/** Services by whose names Go lets a port be written. */
const PORTS: Readonly<Record<string, number>> = { smtp: 25, smtps: 465, submissions: 465, submission: 587 };

type Failed = Extract<Delivery, { outcome: 'failed' }>;

/** `email_configs`: one mail a message, by SMTP. */
export const emailReceiver: ReceiverKind<EmailSettings> = {
  key: 'email_configs',
  type: 'email',
  addressKeys: ['to'],
  settings: emailSettings,
  complete: completeEmail,
  templatedFields: templatedFieldsOfEmail,
  create: (settings, index, tools) => new Email(settings, index, tools, SMTP_DEADLINES),
};

/** One mail a message, each in a connection of its own. */
export class Email implements Integration {
  readonly type = 'email';
  readonly index: number;
  readonly sendResolved: boolean;
  readonly maxAlerts = defaultMaxAlerts;
  readonly timeoutMs = EMAIL_TIMEOUT_MS;
  readonly #settings: EmailSettings;
  readonly #tools: IntegrationTools;
  readonly #deadlines: SmtpDeadlines;

  constructor(settings: EmailSettings, index: number, tools: IntegrationTools, deadlines: SmtpDeadlines) {
    this.index = index;
    this.sendResolved = settings.send_resolved;
    this.#settings = settings;
    this.#tools = tools;
    this.#deadlines = deadlines;
  }

  async send(message: Message, { signal, takenBy = [] }: SendOptions): Promise<Delivery> {
    const meant = await this.#mailOf(message);
    if ('outcome' in meant) return meant;
    const taken = new Set(takenBy);
    const to = meant.to.filter((recipient) => !taken.has(recipient));
    if (to.length === 0) return { outcome: 'delivered', answer: 'all of its recipients have it' };
    const server = await this.#server();
    if ('outcome' in server) return server;
    const name = nameOf(server.connection);
    try {
      const mail = await composeMail({ ...meant, to }, this.#tools.writing);
      const sent = await handOver(server.connection, mail, {
        signal,
        deadlines: this.#deadlines,
        clock: this.#tools.clock,
        network: this.#tools.network,
      });
      return afterwards(sent, { all: meant.to.length, name, takenBy });
    } catch (thrown) {
      const failure = failureOfSmtp(thrown, name);
      if (to.length < meant.to.length && !failure.retryable) {
        const answer = `the other recipients have it; ${failure.reason}`;
        return { outcome: 'delivered', answer: server.secrets.withoutSecrets(answer) };
      }
      return { ...failure, reason: server.secrets.withoutSecrets(failure.reason) };
    }
  }

  async #mailOf(message: Message): Promise<Mail | Failed> {
    const { templates } = this.#tools;
    const settings = this.#settings;
    try {
      const text = (template: string) => templates.text(template, message);
      const from = await text(settings.from);
      const to = mailAddresses(await text(settings.to));
      const [sender, ...others] = mailAddresses(from) ?? [];
      if (sender === undefined || others.length > 0) {
        return unsendable(`from must be exactly one address, and is ${quoted(from)}`);
      }
      if (to === null) return unsendable(`to must be addresses, and is ${quoted(await text(settings.to))}`);
      const headers = await inOrder(
        Object.entries(headerTemplates(settings)),
        async ([name, value]) => [name, await text(value)] as const,
      );
      const id = createHash('sha256').update(message.notificationId).digest('hex').slice(0, 32);
      const { enabled, thread_by_date: byDate } = settings.threading;
      return {
        from: sender,
        to,
        headers,
        messageId: 'Message-Id' in settings.headers ? null : `<${id}@${domainOf(sender)}>`,
        threadId: enabled ? threadOf(message.groupKey, byDate, message.atMs) : null,
        dateMs: message.atMs,
        text: await rendered(settings.text, message, templates, 'text'),
        html: await rendered(settings.html, message, templates, 'html'),
        boundarySeed: id,
      };
    } catch (thrown) {
      return failureOf(thrown);
    }
  }

  async #server(): Promise<{ connection: SmtpServer; secrets: RequestSecrets } | Failed> {
    const settings = this.#settings;
    const { readSecret } = this.#tools;
    const { host, port } = settings.smarthost ?? { host: '', port: '25' };
    const secrets = new RequestSecrets();
    try {
      const password = await passwordOf(settings.auth_password, settings.auth_password_file, this.#tools);
      const secret = await passwordOf(settings.auth_secret, settings.auth_secret_file, this.#tools);
      for (const each of [password, secret]) {
        if (each === null) continue;
        secrets.add(each);
        secrets.add(Buffer.from(each).toString('base64'));
      }
      const tls =
        settings.tls_config === null ? {} : (await readTlsMaterial(settings.tls_config, readSecret)).options;
      const isImplicit = settings.force_implicit_tls ?? portOf(port) === 465;
      const encryption = isImplicit ? 'implicit' : settings.require_tls === false ? 'none' : 'starttls';
      const { auth_username: username, auth_identity: identity } = settings;
      secrets.add(plainToken({ identity, username, password }));
      const login = username === '' ? null : { username, identity, password, secret };
      const hello = settings.hello || 'localhost';
      return { connection: { host, port: portOf(port), hello, encryption, tls, login }, secrets };
    } catch (thrown) {
      return failureOf(thrown);
    }
  }
}

/** Who could not be given the mail for now gets it at the next try, and nobody gets it twice. */
function afterwards(
  sent: HandedOver,
  { all, name, takenBy }: { all: number; name: string; takenBy: readonly string[] },
): Delivery {
  const later = sent.refused.filter(({ isTemporary }) => isTemporary);
  const refusals = sent.refused.map(({ recipient, answer }) => `${recipient}: ${answer}`).join('; ');
  const [first] = later;
  if (first === undefined) {
    const without = refusals === '' ? '' : `; refused ${refusals}`;
    return { outcome: 'delivered', answer: bounded(`${sent.answer}${without}`) };
  }
  const reason = bounded(
    `${name} took the mail for all but ${later.length} of ${all} recipients; ${refusals}`,
  );
  const failure = failed(failureOfTemporary(first.answer), reason, {
    retryable: true,
    retryAfterMs: retryAfterMsOf(first.answer),
  });
  return { ...failure, takenBy: [...takenBy, ...sent.accepted] };
}

async function rendered(
  template: string,
  message: Message,
  templates: MessageTemplates,
  as: 'text' | 'html',
): Promise<string> {
  return template === '' ? '' : templates[as](template, message);
}

/** In ASCII; an address of numbers is none. */
function domainOf(address: string): string {
  return domainToASCII(address.slice(address.lastIndexOf('@') + 1)) || 'omoi.invalid';
}

function portOf(port: string): number {
  return PORTS[port] ?? Number(port);
}

function nameOf({ host, port }: SmtpServer): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Alertmanager takes the file where both are there. */
async function passwordOf(
  written: string | null,
  file: string | null,
  tools: Pick<IntegrationTools, 'readSecret'>,
): Promise<string | null> {
  const password = await settingOf(file === null ? written : null, file, tools);
  return password === '' ? null : password;
}

function unsendable(reason: string): Failed {
  return failed('clientError', reason, { retryable: false });
}

function quoted(text: string): string {
  return text === '' ? 'empty' : `"${bounded(text)}"`;
}
