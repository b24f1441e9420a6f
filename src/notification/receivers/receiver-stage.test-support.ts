import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { GlobalSettings } from '../configuration/global-settings.ts';
import type { Message } from '../message.ts';
import type { MessageTemplates } from '../templates/message-templates.ts';
import type { Delivery, ReceiverMemory } from './integration.ts';
import { exampleMessage, namingTemplates } from './message.test-support.ts';
import { createIntegration, loopbackClient } from './receiver-conformance.test-support.ts';
import type { ReceiverKind } from './receiver-kind.ts';
import { ReceiverServer } from './receiver-server.test-support.ts';

interface StagedMessage {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly global?: Partial<GlobalSettings>;
  readonly message?: Message;
  readonly templates?: MessageTemplates;
  readonly files?: Readonly<Record<string, string>>;
  readonly memory?: ReceiverMemory;
}

/** A kind of receiver before a server on loopback, for the tests of a file. */
export interface ReceiverStage {
  readonly server: ReceiverServer;
  readonly send: (staged?: StagedMessage) => Promise<Delivery>;
  /** The bodies that have come, as JSON. */
  readonly sent: () => readonly Readonly<Record<string, unknown>>[];
}

/** @param written the item of a configuration for a server at `address`; a test's `settings` are laid over it */
export function stageReceiver<Settings>(
  kind: ReceiverKind<Settings>,
  written: (address: string) => Readonly<Record<string, unknown>>,
): ReceiverStage {
  const server = new ReceiverServer();
  const http = loopbackClient();
  beforeAll(async () => {
    await server.open();
  });
  beforeEach(() => server.reset());
  afterAll(async () => {
    http.close();
    await server.close();
  });
  return {
    server,
    send(staged = {}) {
      const {
        settings,
        global,
        message = exampleMessage(),
        templates = namingTemplates,
        files = {},
      } = staged;
      const all = { ...written(server.addressAs()), ...settings };
      const integration = createIntegration({ kind, templates, files }, { written: all, global, http });
      const { memory = null } = staged;
      return integration.send(message, { signal: new AbortController().signal, memory });
    },
    sent: () => server.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
  };
}

/** What a schema says of an item that it refuses. */
export function refusalsOf(
  { settings }: Pick<ReceiverKind, 'settings'>,
  written: Readonly<Record<string, unknown>>,
): readonly string[] {
  return settings.safeParse(written).error?.issues.map(({ message }) => message) ?? [];
}
