import type { Role } from './access/roles.ts';
import { createEventBus, type EventBus } from '#eventbus';
import { parseMatcher } from '#promql';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  SelfMetrics,
  VirtualClock,
  createSeededRandom,
  silentLogger,
  type Logger,
  type NewSystemEvent,
} from '#telemetry';
import { createAccess, type Access } from './access/access.ts';
import type { ApiApp } from './http/app.ts';
import { createApi, type Api, type ApiParts } from './create-api.ts';

export interface TestApiOptions {
  readonly register?: (app: ApiApp) => void;
  readonly logger?: Logger;
  readonly openIngestOnLoopback?: boolean;
  readonly parts?: Partial<ApiParts>;
}

/** A whole API on a real database, with one token of each role. */
export interface TestApi {
  readonly api: Api;
  readonly app: ApiApp;
  readonly access: Access;
  readonly clock: VirtualClock;
  readonly database: StateDatabase;
  readonly eventBus: EventBus;
  readonly metrics: SelfMetrics;
  /** Headers that carry a token of the role. */
  readonly as: (role: Role) => { readonly authorization: string };
  appendEvent(event: NewSystemEvent): Promise<void>;
  close(): Promise<void>;
}

export interface TestAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Sends a request with a token of the role: `POST pools`, below `/api/v1/fleet/`. */
export async function callBelow(
  prefix: string,
  api: TestApi,
  { role, line, payload }: { readonly role: Role; readonly line: string; readonly payload?: object },
): Promise<TestAnswer> {
  const [method, path = ''] = line.split(' ');
  const response = await api.app.inject({
    // The lines of tests name methods only.
    method: method as 'GET',
    url: `${prefix}${path}`,
    headers: { ...api.as(role), host: 'localhost' },
    ...(payload && { payload }),
  });
  return { status: response.statusCode, body: response.json() };
}

const STARTED_AT_MS = Date.UTC(2026, 10, 22, 12, 0, 0);

export async function startTestApi(options: TestApiOptions = {}): Promise<TestApi> {
  const clock = new VirtualClock(STARTED_AT_MS);
  const random = createSeededRandom(7);
  const logger = options.logger ?? silentLogger;
  const metrics = new SelfMetrics();
  const database = await openTestStateDatabase(clock);
  const eventBus = createEventBus({ database, clock, random, logger, metrics });
  const access = createAccess({
    database,
    clock,
    random,
    logger,
    parseMatcher,
    options: {
      openIngestOnLoopback: options.openIngestOnLoopback ?? false,
    },
  });
  const secrets = new Map<string, string>();
  for (const role of ['ingest', 'agent', 'viewer', 'operator', 'admin'] as const) {
    const scope = role === 'agent' ? { agentIds: ['worker-1'], poolId: null } : null;
    const minted = await access.mintToken({
      name: `the ${role}`,
      role,
      scope,
      createdBy: 'test',
      expiresAtMs: null,
    });
    secrets.set(role, minted.secret);
  }
  const stopParts = async (): Promise<void> => {
    await access.stop();
    await eventBus.stop();
    await database.close();
  };
  const api = await createApi({
    access,
    events: eventBus,
    clock,
    random,
    logger,
    metrics,
    standardMetrics: () => [],
    notReady: () => [],
    doubt: () => null,
    waitsFor: () => null,
    register: options.register ?? (() => {}),
    limits: { maxBodyBytes: 10_000 },
    options: {
      version: '0.0.0-test',
      allowedHosts: ['omoi.example'],
      dashboardDirectory: null,
      docsDirectory: null,
    },
    ...options.parts,
  }).catch(async (thrown: unknown) => {
    await stopParts();
    throw thrown;
  });
  return {
    api,
    app: api.app,
    access,
    clock,
    database,
    eventBus,
    metrics,
    as: (role) => ({ authorization: `Bearer ${secrets.get(role) ?? ''}` }),
    appendEvent: (event) => database.transaction((tx) => eventBus.append(tx, event)),
    async close() {
      await api.close();
      await stopParts();
    },
  };
}
