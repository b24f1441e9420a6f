import { createEventBus } from '#eventbus';
import { isLabelName, parseMatcher, silenceStateAt } from '#notification';
import { openTestStateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import type { Role } from '../access/roles.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { registerAlertmanagerRoutes } from './alertmanager-routes.ts';
import type { ViewStage } from './alertmanager-view.suite.test-support.ts';
import { MemoryView } from './memory-view.test-support.ts';

export const STARTED_AT_MS = Date.UTC(2026, 10, 30, 12);

/** The view alone, as its suite asks for one. */
export async function openMemoryView(
  clock = new VirtualClock(STARTED_AT_MS),
): Promise<ViewStage & { readonly view: MemoryView; readonly clock: VirtualClock }> {
  const database = await openTestStateDatabase(clock);
  const random = createSeededRandom(3);
  const bus = createEventBus({ database, clock, random, logger: silentLogger, metrics: new SelfMetrics() });
  const view = new MemoryView({ clock, database, bus });
  await view.silences.start();
  return {
    view,
    clock,
    posted: view,
    silences: view.silences,
    wallMs: () => clock.wallMs(),
    advance: (ms) => clock.advance(ms),
    async close() {
      await view.silences.stop();
      await bus.stop();
      await database.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of the JSON in it; null where it is empty. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** The routes over a view in memory. */
export interface AlertmanagerApi {
  readonly api: TestApi;
  readonly stage: Awaited<ReturnType<typeof openMemoryView>>;
  /** @param line `GET silences?active=false`, below `/alertmanager/api/v2/` */
  call(line: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly role?: Role | null;
  readonly payload?: unknown;
  /** Instead of JSON of the payload. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function openAlertmanagerApi(
  openIngestOnLoopback = false,
  clock?: VirtualClock,
): Promise<AlertmanagerApi> {
  const stage = await openMemoryView(clock);
  const language = { parseMatcher: (text: string) => parseMatcher(text), isLabelName, silenceStateAt };
  const api = await startTestApi({
    openIngestOnLoopback,
    // Lists of alerts may be long.
    parts: { limits: { maxBodyBytes: 1_000_000 } },
    register: (app) =>
      registerAlertmanagerRoutes(app, {
        view: stage.view,
        posted: stage.view,
        silences: stage.silences,
        language,
        clock: stage.clock,
        version: '0.0.0-test',
      }),
  });
  return {
    api,
    stage,
    async call(line, { role = 'admin', payload, text, headers = {} } = {}) {
      const [method, path = ''] = line.split(/ (.*)/s);
      const body = text ?? (payload === undefined ? undefined : JSON.stringify(payload));
      const answer = await api.app.inject({
        // The lines of tests name methods only.
        method: method as 'GET',
        url: path.startsWith('/') ? path : `/alertmanager/api/v2/${path}`,
        headers: {
          host: 'localhost',
          ...(role === null ? {} : api.as(role)),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: body }),
      });
      const isJson = String(answer.headers['content-type']).includes('json') && answer.payload !== '';
      return {
        status: answer.statusCode,
        text: answer.payload,
        body: isJson ? answer.json<unknown>() : null,
        headers: answer.headers,
      };
    },
    async close() {
      await api.close();
      await stage.close();
    },
  };
}
