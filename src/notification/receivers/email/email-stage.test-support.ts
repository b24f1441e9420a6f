import type { SMTPServerOptions } from 'smtp-server';
import { afterAll, expect } from 'vitest';
import { OmoiError, SharedStretch, VirtualClock, createSeededRandom } from '#telemetry';
import type { GlobalSettings } from '../../configuration/global-settings.ts';
import type { Message } from '../../message.ts';
import type { MessageTemplates } from '../../templates/message-templates.ts';
import { TEST_AUTHORITY_CERTIFICATE } from '../certificates.test-support.ts';
import { createCheckedNetwork, type ResolveHost } from '../http/checked-lookup.ts';
import type { Delivery } from '../integration.ts';
import { exampleGlobal, exampleMessage, namingTemplates } from '../message.test-support.ts';
import { Email, emailReceiver } from './email.ts';
import { headersOf, MailServer, ScriptedMailServer } from './mail-server.test-support.ts';
import { SMTP_DEADLINES } from './smtp-session.ts';

/** What trusts the certificate of the servers. */
export const trusted = { ca: TEST_AUTHORITY_CERTIFICATE };
export const PASSWORD = 'SECRET-mail-password';

interface Sending {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly global?: Partial<GlobalSettings>;
  readonly templates?: MessageTemplates;
  readonly allowedAddresses?: readonly string[];
  readonly resolve?: ResolveHost;
  readonly clock?: VirtualClock;
  readonly deadlines?: Partial<typeof SMTP_DEADLINES>;
}

/** An integration that sends to a port of this machine. */
export function emailAt(
  port: number,
  {
    settings,
    global,
    templates = namingTemplates,
    deadlines,
    allowedAddresses = [],
    resolve,
    clock = new VirtualClock(),
  }: Sending = {},
): Email {
  const written = {
    to: 'Ops <ops@example.org>, eva@example.org',
    from: 'Omoi <omoi@example.org>',
    smarthost: `localhost:${port}`,
    tls_config: trusted,
    ...settings,
  };
  const completed = emailReceiver.complete(emailReceiver.settings.parse(written), exampleGlobal(global));
  if ('problems' in completed) throw new Error(JSON.stringify(completed.problems));
  const tools = {
    clock,
    random: createSeededRandom(1),
    templates,
    writing: new SharedStretch(clock),
    http: { request: () => Promise.reject(new Error('mail is not sent by HTTP')) },
    network: createCheckedNetwork(allowedAddresses, resolve),
    readSecret: async (path: string) => {
      if (path === '/secrets/mail') return PASSWORD;
      throw new OmoiError('unknown_alert', `${path} cannot be read`);
    },
  };
  return new Email(completed.settings, 0, tools, { ...SMTP_DEADLINES, ...deadlines });
}

/** Sends as the outbox does, which keeps who has a mail already. */
export function emailTo(port: number, sending: Sending = {}) {
  const email = emailAt(port, sending);
  /** By notification. */
  const taken = new Map<string, readonly string[]>();
  return async (
    message: Message = exampleMessage(),
    signal = new AbortController().signal,
  ): Promise<Delivery> => {
    const { notificationId } = message;
    const takenBy = taken.get(notificationId) ?? [];
    const delivery = await email.send(message, { signal, memory: null, takenBy });
    if (delivery.outcome === 'failed') taken.set(notificationId, delivery.takenBy ?? takenBy);
    return delivery;
  };
}

export function stageMailServers() {
  const opened: { close(): Promise<void> }[] = [];
  afterAll(async () => {
    await Promise.all(opened.splice(0).map((server) => server.close()));
  });
  return {
    mailServer: async (options?: SMTPServerOptions): Promise<MailServer> => {
      const server = await new MailServer(options).open();
      opened.push(server);
      return server;
    },
    scriptedServer: async (converse: ConstructorParameters<typeof ScriptedMailServer>[0]) => {
      const server = await new ScriptedMailServer(converse).open();
      opened.push(server);
      return server;
    },
  };
}

/** The one mail that a server has got. */
export function onlyMailOf(server: MailServer) {
  const [mail, ...others] = server.received;
  expect(others).toEqual([]);
  if (mail === undefined) throw new Error('no mail has come');
  return { ...mail, headers: headersOf(mail.content) };
}
