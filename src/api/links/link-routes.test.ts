import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import { DEFAULT_SILENCE_LIMITS, SignedLinks, Silences, type NotifiedAlert } from '#notification';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, OmoiError, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { maxAlertsOfLink } from '../../notification/links/signed-links.ts';
import { startTestApi, type TestApi } from '../api.test-support.ts';
import { maxFormBytes, maxNamed, registerLinkRoutes } from './link-routes.ts';

const HOUR_MS = 3_600_000;

let clock: VirtualClock;
let database: StateDatabase;
let bus: ReturnType<typeof createEventBus>;
let silences: Silences;
let links: SignedLinks;
let api: TestApi;
let alert: NotifiedAlert;
/** Alerts besides it, by their ids. */
let others: Map<string, NotifiedAlert>;
let acknowledgements: string[];
const endsMeanwhile = new Set<string>();

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 10, 30, 12));
  database = await openTestStateDatabase(clock);
  const metrics = new SelfMetrics();
  const base = { database, clock, random: createSeededRandom(9), logger: silentLogger, metrics };
  bus = createEventBus(base);
  silences = new Silences({ ...base, bus, limits: DEFAULT_SILENCE_LIMITS });
  await silences.start();
  acknowledgements = [];
  others = new Map();
  alert = {
    alertId: 'alr_1',
    fingerprint: '0'.repeat(16),
    labels: { alertname: 'Down', host: '<b>"x"</b>' },
    annotations: { summary: 'It is <i>down</i>' },
    startsAtMs: clock.wallMs(),
    endsAtMs: null,
    generatorUrl: '',
    acknowledgedBy: null,
    remediation: null,
    traceparent: null,
  };
  links = createLinks('a secret');
  await links.start();
  api = await startTestApi({ register: (app) => registerLinkRoutes(app, { links }) });
});
afterEach(async () => {
  await api.close();
  await silences.stop();
  await bus.stop();
  await database.close();
});

function createLinks(secret: string): SignedLinks {
  return new SignedLinks({
    database,
    clock,
    silences,
    alerts: {
      read: (ids) =>
        Promise.resolve(
          ids
            .flatMap((id) => (id === alert.alertId ? [alert] : (others.get(id) ?? [])))
            .map((one) => ({
              ...one,
              firedAtMs: 0,
              updatedAtMs: 0,
              expiresAtMs: null,
              snoozedUntilMs: null,
            })),
        ),
    },
    acknowledge(alertId, by) {
      const other = others.get(alertId);
      if (other) {
        if (endsMeanwhile.has(alertId)) throw new OmoiError('alert_resolved', `${alertId} is over`);
        acknowledgements.push(`${alertId} by ${by}`);
        others.set(alertId, { ...other, acknowledgedBy: by });
        return Promise.resolve();
      }
      if (alert.endsAtMs !== null) throw new OmoiError('alert_resolved', `${alertId} is over`);
      acknowledgements.push(`${alertId} by ${by}`);
      alert = { ...alert, acknowledgedBy: alert.acknowledgedBy ?? by };
      return Promise.resolve();
    },
    createSecret: () => secret,
  });
}

const about = () => ({ subject: 'alr_1', receiver: 'team', atMs: clock.wallMs() });

async function call(method: 'GET' | 'HEAD' | 'POST', path: string, headers: Record<string, string> = {}) {
  const answer = await api.app.inject({ method, url: path, headers: { host: 'localhost', ...headers } });
  return { status: answer.statusCode, body: answer.body, headers: answer.headers };
}

/** As a browser sends a form without fields. */
const submit = (path: string, origin = 'http://localhost') =>
  call('POST', path, { 'content-type': 'application/x-www-form-urlencoded', origin });

/** Where the forms of a page lead that a browser has under an address. */
const actionsOf = (body: string, address: string): readonly string[] =>
  [...body.matchAll(/<form method="post" action="([^"]*)">/g)].map(([, action = '']) =>
    String(new URL(action, address)),
  );

describe('a link that acknowledges', () => {
  it('shows what it would do, and by whom it was asked, and changes nothing, however often it is fetched', async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    for (const method of ['GET', 'HEAD', 'GET'] as const) expect((await call(method, path)).status).toBe(200);
    const { body, headers } = await call('GET', path);
    expect(body).toContain('Acknowledge this alert?');
    expect(body).toContain('link of receiver <code>team</code>');
    expect(actionsOf(body, `https://x.example${path}`)).toEqual([`https://x.example${path}`]);
    expect(body).toContain('&lt;i&gt;down&lt;/i&gt;');
    expect(body).not.toContain('<b>');
    expect(body).not.toContain('<script');
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'referrer-policy': 'same-origin',
      'cache-control': 'no-store',
      'x-robots-tag': 'noindex, nofollow',
    });
    expect(acknowledgements).toEqual([]);
  });

  it('does so on a confirmed POST, in the name of its receiver, and says afterwards that it was done', async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    const done = await submit(path);
    expect([done.status, done.body]).toEqual([
      200,
      expect.stringContaining('<p>By link of receiver team.</p>'),
    ]);
    expect(acknowledgements).toEqual(['alr_1 by link of receiver team']);
    expect((await call('GET', path)).body).toContain('Acknowledged already');
  });

  it('is confirmed where its page is, also below a path of a proxy', async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    const { body } = await call('GET', path);
    const page = `https://x.example/omoi${path}`;
    expect(actionsOf(body, page)).toEqual([page]);
  });

  it(`takes a form of ${maxFormBytes} bytes, and no longer one`, async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    const send = (bytes: number) =>
      api.app.inject({
        method: 'POST',
        url: path,
        headers: { host: 'localhost', 'content-type': 'application/x-www-form-urlencoded' },
        payload: 'a'.repeat(bytes),
      });
    expect((await send(maxFormBytes + 1)).statusCode).toBe(413);
    expect(acknowledgements).toEqual([]);
    expect((await send(maxFormBytes)).statusCode).toBe(200);
    expect(acknowledgements).toHaveLength(1);
  });

  it('is refused where a page of another site asks for it', async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    expect((await submit(path, 'https://evil.test')).status).toBe(403);
    expect((await submit(path, 'null')).status).toBe(403);
    expect(acknowledgements).toEqual([]);
  });

  it('expires after 24 hours, and survives a restart of the server until then', async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    links = createLinks('another one');
    await links.start();
    await clock.advance(24 * HOUR_MS - 1000);
    expect((await call('GET', path)).status).toBe(200);
    await clock.advance(1000);
    const late = await submit(path);
    expect([late.status, late.body]).toEqual([401, expect.stringContaining('the link has expired')]);
    expect(acknowledgements).toEqual([]);
  });

  it('has nothing to do where the alert is over, or is known no more', async () => {
    const path = `/n/${links.tokenFor('acknowledge', about())}`;
    alert = { ...alert, endsAtMs: clock.wallMs() };
    expect((await call('GET', path)).body).toContain('This alert is over');
    expect((await submit(path)).status).toBe(409);
    alert = { ...alert, alertId: 'another' };
    expect((await call('GET', path)).status).toBe(404);
  });
});

describe('a link that acknowledges all alerts of a message', () => {
  /** A message about alerts that fired when it was decided, and one that was over by then. */
  async function messageAbout(count: number, truncated = 0, named?: number): Promise<string> {
    const ids = Array.from({ length: count }, (_, place) => `alr_many_${place}`);
    for (const alertId of ids) others.set(alertId, { ...alert, alertId });
    const members = [...ids.map((id) => [id, null] as const), ['alr_over', clock.wallMs()] as const];
    await database.transaction((tx) =>
      tx.db
        .insertInto('notifications')
        .values({
          id: 'ntf_1',
          group_id: 'grp_1',
          group_key: '{}:{}',
          receiver: 'team',
          integration: 'team/webhook/0',
          reason: 'first_notification',
          state: 'delivered',
          alerts: JSON.stringify(members),
          truncated,
          group_labels: '{}',
          route_labels: '{}',
          note: null,
          severity: null,
          firing: '',
          resolved: '',
          attempts: 1,
          created_at_ms: clock.wallMs(),
          next_attempt_at_ms: clock.wallMs(),
          finished_at_ms: clock.wallMs(),
          answer: '200',
          failure: null,
          traceparent: null,
        })
        .execute(),
    );
    const token = links.tokenFor('acknowledge_message', {
      subject: 'ntf_1',
      receiver: 'team',
      atMs: clock.wallMs(),
      ...(named !== undefined && { named }),
    });
    return `/n/${token}`;
  }
  afterEach(() => endsMeanwhile.clear());

  it('says how many and which, changes nothing until it is confirmed, and then acknowledges those that are left', async () => {
    const path = await messageAbout(50, 7);
    others.set('alr_many_3', { ...alert, alertId: 'alr_many_3', acknowledgedBy: 'ada <ada>' });
    others.set('alr_many_4', { ...alert, alertId: 'alr_many_4', endsAtMs: clock.wallMs() });
    endsMeanwhile.add('alr_many_5');
    const asked = await call('GET', path);
    expect(asked.status).toBe(200);
    for (const text of [
      '<h1>Acknowledge 48 alerts?</h1>',
      'about 50 alerts that fired, of which 1 are over',
      'Its link is for 50 of the 57 alerts of its group: acknowledge the other 7 in mission control.',
      '… and 30 more.',
    ])
      expect(asked.body).toContain(text);
    expect(asked.body.split('<form').length).toBe(2);
    expect(acknowledgements).toEqual([]);
    expect((await submit(path, 'https://evil.test')).status).toBe(403);
    expect(acknowledgements).toEqual([]);
    const done = await submit(path);
    expect([done.status, acknowledgements.length]).toEqual([200, 47]);
    expect(new Set(acknowledgements)).toContain('alr_many_49 by link of receiver team');
    expect(done.body).toContain('47 by link of receiver team');
    expect(done.body).toContain('is for 50 of the 57 alerts of its group');
    expect(done.body).toContain('1 by ada &lt;ada&gt;');
    await submit(path);
    expect(acknowledgements).toHaveLength(47);
  });

  it('is for those that its message names, where that was too long with all of them', async () => {
    const path = await messageAbout(50, 7, 12);
    const asked = (await call('GET', path)).body;
    expect(asked).toContain('<h1>Acknowledge 12 alerts?</h1>');
    expect(asked).toContain(
      'Its link is for 12 of the 57 alerts of its group: acknowledge the other 45 in mission control.',
    );
    await submit(path);
    expect(acknowledgements.toSorted()).toEqual(
      Array.from({ length: 12 }, (_, at) => `alr_many_${at} by link of receiver team`).toSorted(),
    );
  });

  it.each([
    [maxAlertsOfLink, 0],
    [maxAlertsOfLink + 1, 1],
  ])(`of %i alerts is for ${maxAlertsOfLink}, and says so of %i others`, async (count, leftOut) => {
    const path = await messageAbout(count);
    const asked = (await call('GET', path)).body;
    const sentence = `for ${maxAlertsOfLink} of the ${count} alerts of its group: acknowledge the other ${leftOut}`;
    expect(asked.includes(sentence)).toBe(leftOut > 0);
    expect(asked.includes('of its group')).toBe(leftOut > 0);
    expect((await submit(path)).status).toBe(200);
    expect(acknowledgements).toHaveLength(maxAlertsOfLink);
  });

  it.each([
    [maxNamed, false],
    [maxNamed + 1, true],
  ])(`of %i alerts names ${maxNamed}, and says that there are more: %s`, async (count, areMore) => {
    const asked = (await call('GET', await messageAbout(count))).body;
    expect(asked.split('<code>{').length - 1).toBe(maxNamed);
    expect(asked.includes('<p>… and 1 more.</p>')).toBe(areMore);
  });

  it('is of no use for an alert, when it was changed, late, and once its message is forgotten', async () => {
    const path = await messageAbout(2);
    const forged = links.tokenFor('acknowledge', {
      subject: 'ntf_1',
      receiver: 'team',
      atMs: clock.wallMs(),
    });
    expect((await submit(`/n/${forged}`)).status).toBe(404);
    expect((await submit(`${path.slice(0, -3)}AAA`)).status).toBe(401);
    await database.transaction((tx) => tx.db.deleteFrom('notifications').execute());
    expect((await submit(path)).status).toBe(404);
    await clock.advance(24 * HOUR_MS);
    expect((await submit(path)).status).toBe(401);
    expect(acknowledgements).toEqual([]);
  });
});

describe('a link that silences', () => {
  it('asks for how long, and silences the labels of its alert', async () => {
    const path = `/n/${links.tokenFor('silence', about())}`;
    const asked = await call('GET', path);
    const page = `https://x.example/omoi${path}`;
    expect(actionsOf(asked.body, page)).toEqual(['1h', '4h', '24h'].map((time) => `${page}?for=${time}`));
    expect(silences.list()).toEqual([]);
    expect((await submit(`${path}?for=1h`)).body).toContain('For 1h from now');
    const [silence, ...others] = silences.list();
    expect(others).toEqual([]);
    expect(silence).toMatchObject({
      endsAtMs: clock.wallMs() + HOUR_MS,
      createdBy: 'link of receiver team',
      alertId: 'alr_1',
    });
    expect(silences.silencesOf(alert.labels, clock.wallMs())).toHaveLength(1);
  });

  it('moves the end of its silence when it is used again', async () => {
    const path = `/n/${links.tokenFor('silence', about())}`;
    for (const time of ['1h', '24h', '4h']) expect((await submit(`${path}?for=${time}`)).status).toBe(200);
    expect(silences.list().map(({ endsAtMs }) => endsAtMs)).toEqual([clock.wallMs() + 4 * HOUR_MS]);
    expect((await submit(`${path}?for=9h`)).status).toBe(400);
  });
});

it('a forged link does nothing, and is looked at 60 times a minute; real ones go on working', async () => {
  const path = `/n/${links.tokenFor('acknowledge', about())}`;
  const forged = `${path.slice(0, -3)}AAA`;
  for (let tries = 0; tries < 60; tries++) expect((await call('GET', forged)).status).toBe(401);
  expect((await submit(forged)).status).toBe(429);
  expect((await call('GET', path)).status).toBe(200);
  await clock.advance(60_000);
  expect((await call('GET', forged)).status).toBe(401);
  expect(acknowledgements).toEqual([]);
});
