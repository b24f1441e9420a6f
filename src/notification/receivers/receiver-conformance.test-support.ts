import { createServer } from 'node:http';
import { once } from 'node:events';
import type { z } from 'zod';
import { createSeededRandom, createSystemClock, OmoiError, SharedStretch } from '#telemetry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { openNotificationStage, RecordingReceiver, testRoute } from '../notification.test-support.ts';
import type { GlobalSettings } from '../configuration/global-settings.ts';
import type { Message } from '../message.ts';
import { createMessageTemplates } from '../templates/create-message-templates.ts';
import { pacedTemplates, type MessageTemplates } from '../templates/message-templates.ts';
import { maxShownAnswer } from './answers.ts';
import { defaultMaxAlerts } from './http-calls.ts';
import { createCheckedNetwork } from './http/checked-lookup.ts';
import { type ClosableHttpClient, createHttpClient } from './http/create-http-client.ts';
import { createIntegration as createConfigured } from './create-integration.ts';
import type { Delivery, Integration, ReceiverMemory } from './integration.ts';
import {
  exampleAlert,
  exampleGlobal,
  exampleMessage,
  namingTemplates,
  resolvedMessage,
} from './message.test-support.ts';
import type { IntegrationTools, ReceiverKind } from './receiver-kind.ts';
import { type ReceivedRequest, ReceiverServer, type Reply } from './receiver-server.test-support.ts';

/** A kind of receiver as the suite meets it. */
export interface ReceiverRow<Settings> {
  /** Where a kind has several rows. */
  readonly name?: string;
  readonly kind: ReceiverKind<Settings>;
  /**
   * Its item in a configuration, for a server at `address` (`http://127.0.0.1:1234`), without `http_config`; every secret of
   * `secrets` stands in it or in `global`.
   */
  readonly settings: (address: string) => Readonly<Record<string, unknown>>;
  readonly global?: (address: string) => Partial<GlobalSettings>;
  /** What the checked payload was compared with: the service's documentation or Alertmanager's source, and of when that is. */
  readonly documentation: { readonly url: string; readonly date: string };
  /** What the documentation says of the body of a request, parsed where it is JSON or a form. */
  readonly payload: z.ZodType | ((request: ReceivedRequest) => z.ZodType);
  /** What the receiver answers when it takes a request; 200 without a body where it is absent. */
  readonly taken?: (request: ReceivedRequest) => Reply;
  /** Of a kind that opens incidents: what a request does to one, in a word; null: neither. */
  readonly incident?: (request: ReceivedRequest) => 'opened' | 'closed' | null;
  /** Whether it says in the body of an answer of 2xx that it has not taken a message. */
  readonly mayRefuseIn2xx?: boolean;
  /** What is in the settings and may not be in any text. */
  readonly secrets: readonly string[];
  /** Contents of files that the settings name. */
  readonly files?: Readonly<Record<string, string>>;
  /** The statuses that this receiver means otherwise than all: `403` of PagerDuty's first API is a rate limit. */
  readonly exceptions?: Readonly<Record<number, { readonly failure: string; readonly retryable: boolean }>>;
  /** Other templates than the real ones without files. */
  readonly templates?: MessageTemplates;
  /**
   * What shows that the requests of the second message about a group are about what the first has begun (an incident's key, a
   * thread): asked when a restart lies between them.
   */
  readonly goesOn?: (
    second: readonly ReceivedRequest[],
    first: readonly ReceivedRequest[],
  ) => { readonly about: unknown; readonly begun: unknown };
  /** Messages other than the one firing and the one resolved alert. */
  readonly messages?: { readonly firing: Message; readonly resolved: Message };
}

const REAL_TEMPLATES = pacedTemplates(
  createMessageTemplates({ files: [] }),
  new SharedStretch(createSystemClock()),
);

/** As many alerts as a message has at most, unless the configuration wants more. */
function largeMessage(): Message {
  const alerts = Array.from({ length: defaultMaxAlerts }, (_, index) => {
    const { labels, annotations } = exampleAlert();
    return exampleAlert({
      alertId: `alrt_${index}`,
      labels: { ...labels, task_id: `t-${index}` },
      annotations,
    });
  });
  return exampleMessage({ alerts });
}

const ELSEWHERE = 'elsewhere.test';
/** A failure's reason: what is shown of the answer, and the words around it. */
const maxReasonLength = maxShownAnswer + 200;

const STATUSES: readonly (readonly [status: number, failure: string, retryable: boolean])[] = [
  [400, 'clientError', false],
  [401, 'authError', false],
  [403, 'authError', false],
  [404, 'clientError', false],
  [408, 'timeout', true],
  [413, 'clientError', false],
  [429, 'rateLimited', true],
  [500, 'serverError', true],
  [503, 'serverError', true],
];

function parsedBody({ headers, body }: ReceivedRequest): unknown {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/json')) return JSON.parse(body);
  if (type.startsWith('application/x-www-form-urlencoded'))
    return Object.fromEntries(new URLSearchParams(body));
  return body;
}

/** What the JSON of a request has under a name. */
export function fieldOf(request: ReceivedRequest | undefined, name: string): unknown {
  return request === undefined ? undefined : (JSON.parse(request.body) as Record<string, unknown>)[name];
}

/** An integration as the server would make it of what a configuration says. */
export function createIntegration<Settings>(
  row: Pick<ReceiverRow<Settings>, 'kind' | 'files' | 'templates'>,
  options: {
    readonly written: Readonly<Record<string, unknown>>;
    readonly global?: Partial<GlobalSettings> | undefined;
    readonly http: ClosableHttpClient;
  },
): Integration {
  const { kind, files = {}, templates = namingTemplates } = row;
  const completed = kind.complete(kind.settings.parse(options.written), exampleGlobal(options.global));
  if ('problems' in completed) throw new Error(JSON.stringify(completed.problems));
  const clock = createSystemClock();
  const tools: IntegrationTools = {
    clock,
    random: createSeededRandom(1),
    templates,
    writing: new SharedStretch(clock),
    http: options.http,
    network: createCheckedNetwork([]),
    readSecret: async (path) => {
      const text = files[path];
      if (text === undefined) throw new OmoiError('secret_unreadable', `there is no ${path}`);
      return text;
    },
  };
  const integration = createConfigured(kind, { settings: completed.settings, index: 0 }, tools);
  if (!integration) throw new Error(`${kind.type} is not built`);
  return integration;
}

/** A client whose names all lead to loopback. */
export function loopbackClient(): ClosableHttpClient {
  return createHttpClient({
    clock: createSystemClock(),
    random: createSeededRandom(1),
    readSecret: async (path) => {
      throw new Error(`there is no ${path}`);
    },
    environment: {},
    network: createCheckedNetwork([], async () => [{ address: '127.0.0.1', family: 4 }]),
    userAgent: 'Omoi',
  });
}

function failureIn(delivery: Delivery): Extract<Delivery, { readonly outcome: 'failed' }> {
  expect(delivery.outcome).toBe('failed');
  if (delivery.outcome !== 'failed') throw new Error('it was delivered');
  return delivery;
}

/** What every kind of receiver over HTTP does, against a real server on loopback. */
export function describeReceiver<Settings>(row: ReceiverRow<Settings>): void {
  describe(`${row.name ?? row.kind.type} (${row.documentation.url}, ${row.documentation.date})`, () => {
    const server = new ReceiverServer();
    const elsewhere = new ReceiverServer();
    const secure = new ReceiverServer('https');
    const http = loopbackClient();
    const { firing, resolved } = row.messages ?? { firing: exampleMessage(), resolved: resolvedMessage() };
    const taken = row.taken ?? ((): Reply => ({}));

    const integrationAt = (
      address: string,
      httpConfig?: Readonly<Record<string, unknown>>,
      {
        client = http,
        others = {},
      }: { client?: typeof http; others?: Readonly<Record<string, unknown>> } = {},
    ): Integration => {
      const own = { ...row.settings(address), ...others };
      const merged = { ...(own['http_config'] as object | undefined), ...httpConfig };
      const written = { ...own, ...(Object.keys(merged).length > 0 ? { http_config: merged } : {}) };
      const withTemplates = { ...row, templates: row.templates ?? REAL_TEMPLATES };
      return createIntegration(withTemplates, { written, global: row.global?.(address), http: client });
    };
    /** By a process that knows nothing of the one before. */
    const afterRestart = async (
      sending: (integration: Integration) => Promise<Delivery>,
    ): Promise<Delivery> => {
      const client = loopbackClient();
      try {
        return await sending(integrationAt(server.addressAs(), undefined, { client }));
      } finally {
        client.close();
      }
    };
    const send = (integration: Integration, message: Message = firing): Promise<Delivery> =>
      integration.send(message, { signal: new AbortController().signal, memory: null });
    const expectNoSecret = (text: string): void => {
      for (const secret of row.secrets) expect(text).not.toContain(secret);
      expect(text.length).toBeLessThanOrEqual(maxReasonLength);
      expect(text).not.toMatch(/[\r\n]/);
    };

    beforeAll(async () => {
      await Promise.all([server.open(), elsewhere.open(), secure.open()]);
    });
    beforeEach(() => {
      for (const each of [server, elsewhere, secure]) each.reset();
    });
    afterAll(async () => {
      http.close();
      await Promise.all([server.close(), elsewhere.close(), secure.close()]);
    });

    it.each([
      ['firing', firing],
      ['resolved', resolved],
      [`${defaultMaxAlerts} times firing`, largeMessage()],
    ])('delivers a message of a %s alert as the documentation says', async (_, message) => {
      server.reaction = taken;
      const delivery = await send(integrationAt(server.addressAs()), message);
      expect(delivery).toMatchObject({ outcome: 'delivered' });
      if (delivery.outcome === 'delivered') {
        expectNoSecret(delivery.answer);
        expectBoundedMemory(delivery.memory);
      }
      expect(server.received.length).toBeGreaterThan(0);
      for (const request of server.received) {
        const schema = typeof row.payload === 'function' ? row.payload(request) : row.payload;
        expect(schema.safeParse(parsedBody(request)).error?.issues ?? []).toEqual([]);
        expect(request.headers['user-agent']).toBe('Omoi');
      }
    });

    it('names 500 alerts a message, unless the configuration wants another number', () => {
      expect(integrationAt(server.addressAs()).maxAlerts).toBe(500);
    });

    it.each(STATUSES)('judges an answer of %i', async (status, failure, retryable) => {
      // It answers with all that it was sent.
      server.reaction = (request) => ({ status, body: `${request.path}\n${JSON.stringify(request)}` });
      const failed = failureIn(await send(integrationAt(server.addressAs())));
      expect(failed).toMatchObject(row.exceptions?.[status] ?? { failure, retryable });
      expect(failed.reason).toContain(String(status));
      expectNoSecret(failed.reason);
    });

    it('comes again when a rate limit says', async () => {
      server.reaction = () => ({ status: 429, headers: { 'retry-after': '7' } });
      const failed = failureIn(await send(integrationAt(server.addressAs())));
      expect(failed).toMatchObject({ failure: 'rateLimited', retryable: true, retryAfterMs: 7000 });
    });

    describe.runIf(row.kind.opensIncidents)('of what came and went before anybody was told', () => {
      const brief: Message = { ...resolved, groupKey: firing.groupKey, reason: 'brief' };
      const changes = (): readonly string[] =>
        server.received.flatMap((request) => row.incident?.(request) ?? []);

      it('opens an incident and closes it, in one delivery', async () => {
        server.reaction = taken;
        const delivery = await send(integrationAt(server.addressAs()), brief);
        expect(delivery).toMatchObject({ outcome: 'delivered', answer: expect.stringContaining('opened') });
        expect(changes()).toEqual(['opened', 'closed']);
      });

      it('does both again where only the first was taken', async () => {
        const integration = integrationAt(server.addressAs());
        server.reaction = (request) => (row.incident?.(request) === 'closed' ? 'hang up' : taken(request));
        const failed = failureIn(await send(integration, brief));
        expect(failed).toMatchObject({ failure: 'connection', retryable: true, isOpened: true });
        expect(failed.reason).toContain('incident opened, but not closed');
        expectNoSecret(failed.reason);
        server.reaction = taken;
        expect(await send(integration, brief)).toMatchObject({ outcome: 'delivered' });
        expect(changes().at(-1)).toBe('closed');
      });

      it('leaves it open where nothing else is closed by messages either', async () => {
        server.reaction = taken;
        const integration = integrationAt(server.addressAs(), {}, { others: { send_resolved: false } });
        expect(await send(integration, brief)).toMatchObject({ outcome: 'delivered' });
        expect(changes()).toEqual(['opened']);
      });
    });

    it.runIf(row.kind.opensIncidents)(
      'closes what it has opened where a reload takes the group away',
      async () => {
        server.reaction = taken;
        const isClosing = (request: ReceivedRequest): boolean =>
          row.incident === undefined || row.incident(request) === 'closed';
        const { first, last } = await toldBeforeReload(integrationAt(server.addressAs()), server);
        expect(first.length).toBeGreaterThan(0);
        expect(last.some(isClosing)).toBe(true);
        const shown = row.goesOn?.(last, first);
        expect(shown?.about).toEqual(shown?.begun);
      },
    );

    it('waits no longer than its deadline', async () => {
      const deadline = new AbortController();
      server.reaction = () => 'silence';
      const sending = integrationAt(server.addressAs()).send(firing, {
        signal: deadline.signal,
        memory: null,
      });
      // One that is not sent at all is no reason to wait.
      await Promise.race([server.untilReceived(), sending]);
      deadline.abort();
      const failed = failureIn(await sending);
      expect(failed).toMatchObject({ failure: 'timeout', retryable: true });
      expectNoSecret(failed.reason);
    });

    it('tries a dropped connection again later', async () => {
      server.reaction = () => 'hang up';
      const failed = failureIn(await send(integrationAt(server.addressAs())));
      expect(failed).toMatchObject({ failure: 'connection', retryable: true });
      expectNoSecret(failed.reason);
    });

    it('sends the same again after a restart in the middle of a message', async () => {
      server.reaction = () => 'hang up';
      expect(failureIn(await send(integrationAt(server.addressAs())))).toMatchObject({ retryable: true });
      const [cut] = server.received;
      server.reset();
      server.reaction = taken;
      const delivery = await afterRestart((integration) => send(integration));
      expect(delivery).toMatchObject({ outcome: 'delivered' });
      expect(server.received[0]).toEqual(cut);
    });

    it('goes on after a restart between two messages of a group', async () => {
      server.reaction = taken;
      const before = integrationAt(server.addressAs());
      const begun = await send(before);
      const first = [...server.received];
      const kept = begun.outcome === 'delivered' ? (begun.memory ?? null) : null;
      const { signal } = new AbortController();
      server.reset();
      server.reaction = taken;
      expect(await before.send(resolved, { signal, memory: kept })).toMatchObject({ outcome: 'delivered' });
      const unbroken = [...server.received];
      server.reset();
      server.reaction = taken;
      // What survives is what the database keeps.
      const memory = JSON.parse(JSON.stringify(kept)) as ReceiverMemory | null;
      const delivery = await afterRestart((integration) => integration.send(resolved, { signal, memory }));
      expect(delivery).toMatchObject({ outcome: 'delivered' });
      expect(server.received).toEqual(unbroken);
      const shown = row.goesOn?.(server.received, first);
      expect(shown?.about).toEqual(shown?.begun);
      if (shown) expect(JSON.stringify(shown.about).length).toBeGreaterThan(2);
    });

    it('takes the word of an answer whose body is cut, unless it is the body that says it', async () => {
      server.reaction = (request) => ({ ...taken(request), isCut: true });
      const delivery = await send(integrationAt(server.addressAs()));
      if (row.mayRefuseIn2xx !== true) expect(delivery).toMatchObject({ outcome: 'delivered' });
      else expect(delivery).toMatchObject({ outcome: 'failed', failure: 'connection', retryable: true });
      server.reaction = () => ({ status: 400, body: 'no', isCut: true });
      const refused = failureIn(await send(integrationAt(server.addressAs())));
      expect(refused).toMatchObject(row.exceptions?.[400] ?? { failure: 'clientError', retryable: false });
    });

    it('tells of a port on which nobody listens', async () => {
      const address = await closedAddress();
      const failed = failureIn(await send(integrationAt(address)));
      expect(failed).toMatchObject({ failure: 'connection', retryable: true });
      expect(failed.reason).toContain('ECONNREFUSED');
      expect(failed.reason).toContain(new URL(address).host);
      expectNoSecret(failed.reason);
    });

    it('follows a redirect to another host without its credentials', async () => {
      const location = `${elsewhere.addressAs(ELSEWHERE)}/moved`;
      server.reaction = () => ({ status: 307, headers: { location } });
      elsewhere.reaction = taken;
      await send(integrationAt(server.addressAs()));
      const [first, moved] = [server.received[0], elsewhere.received[0]];
      expect(moved?.path).toBe('/moved');
      expect(moved?.body).toBe(first?.body);
      expect(moved?.headers).not.toHaveProperty('authorization');
      for (const secret of row.secrets) expect(JSON.stringify(moved?.headers)).not.toContain(secret);
    });

    it('stays where it is where redirects are not to be followed', async () => {
      const location = `${elsewhere.addressAs(ELSEWHERE)}/moved`;
      server.reaction = () => ({ status: 307, headers: { location } });
      const integration = integrationAt(server.addressAs(), { follow_redirects: false });
      expect(failureIn(await send(integration))).toMatchObject({ failure: 'clientError', retryable: false });
      expect(elsewhere.received).toEqual([]);
    });

    it('calls no metadata service, though it is sent there', async () => {
      const location = 'http://169.254.169.254/latest/meta-data/';
      server.reaction = () => ({ status: 307, headers: { location } });
      const failed = failureIn(await send(integrationAt(server.addressAs())));
      expect(failed).toMatchObject({ failure: 'clientError', retryable: false });
      expect(failed.reason).toContain('169.254.169.254');
    });

    it('reads no more than the beginning of an answer of 10 MB', async () => {
      const body = Buffer.alloc(10_000_000, 'a');
      server.reaction = () => ({ status: 500, body });
      const failed = failureIn(await send(integrationAt(server.addressAs())));
      expect(failed).toMatchObject({ failure: 'serverError', retryable: true });
      expectNoSecret(failed.reason);
    });

    it('sends nothing to a server whose certificate nobody trusts', async () => {
      const failed = failureIn(await send(integrationAt(secure.addressAs())));
      expect(failed).toMatchObject({ failure: 'connection', retryable: true });
      expect(failed.reason).toContain('certificate');
      expect(secure.received).toEqual([]);
      expectNoSecret(failed.reason);
    });

    it('tells of a server that does not speak TLS', async () => {
      const address = server.addressAs().replace('http:', 'https:');
      const failed = failureIn(await send(integrationAt(address)));
      expect(failed).toMatchObject({ failure: 'connection', retryable: true });
      expectNoSecret(failed.reason);
    });
  });
}

/** What it is asked as an alert begins, and as it is over and others are told of it, in other groups, after a restart. */
async function toldBeforeReload(
  integration: Integration,
  { received }: ReceiverServer,
): Promise<{ readonly first: readonly ReceivedRequest[]; readonly last: readonly ReceivedRequest[] }> {
  const sending = new Set<Promise<unknown>>();
  const pages: Integration = {
    ...integration,
    send: (message, options) => {
      const sent = integration.send(message, options);
      sending.add(sent);
      return sent.finally(() => sending.delete(sent));
    },
  };
  const receivers = { pages: [pages], others: [new RecordingReceiver()] };
  const stage = await openNotificationStage({ receivers, route: testRoute({ receiver: 'pages' }) });
  try {
    stage.clock.waitFor(async () => {
      await Promise.all(sending);
    });
    await stage.alerts.fire({ a: { alertname: 'A', group: 'one' } });
    await stage.clock.advance(20_000);
    const first = received.splice(0);
    await stage.restart({ receivers, route: testRoute({ id: '{}/b', key: '{}/b', receiver: 'others' }) });
    await stage.alerts.resolve('a');
    await stage.clock.advance(120_000);
    return { first, last: [...received] };
  } finally {
    await stage.close();
  }
}

function expectBoundedMemory(memory: ReceiverMemory | undefined): void {
  expect(JSON.stringify(memory ?? {}).length).toBeLessThanOrEqual(4096);
}

/** An address on which nobody listens any more. */
async function closedAddress(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return `http://127.0.0.1:${address.port}`;
}
