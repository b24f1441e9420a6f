import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus } from '#eventbus';
import { DEFAULT_SILENCE_LIMITS, formatMatcher, parseMatcher, Silences, silenceStateAt } from '#notification';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import {
  createSeededRandom,
  fingerprintOf,
  matchesAll,
  OmoiError,
  SelfMetrics,
  silentLogger,
  VirtualClock,
} from '#telemetry';
import type { z } from 'zod';
import type { Role } from '../access/roles.ts';
import { callBelow, startTestApi, type TestAnswer, type TestApi } from '../api.test-support.ts';
import { maxPreviewedAlerts, registerSilenceRoutes, type SilenceRouteParts } from './silence-routes.ts';
import {
  maxDurationMs,
  maxMatcherCharacters,
  maxMatchers,
  silencesAnswer,
  silenceView,
} from './silence-schemas.ts';

const STARTED_AT_MS = Date.UTC(2026, 10, 30, 12);
const HOUR_MS = 3_600_000;
const iso = (ms: number): string => new Date(ms).toISOString();

/** Twelve alerts that fire. */
const FIRING = Array.from({ length: 12 }, (_, at): TrackedAlert => {
  const labels = { alertname: 'Down', host: `h${at}`, team: at < 2 ? 'web' : 'db' };
  return {
    alertId: `alrt_${at}`,
    fingerprint: fingerprintOf(labels),
    labels,
    severity: 'warning',
    startsAtMs: STARTED_AT_MS,
    firedAtMs: 0,
    traceparent: null,
    endsAtMs: null,
    acknowledgedBy: null,
    snoozedUntilMs: null,
    isInhibited: false,
  };
});
type TrackedAlert = Awaited<ReturnType<SilenceRouteParts['notification']['firingOf']>>[number];

let clock: VirtualClock;
let database: StateDatabase;
let bus: ReturnType<typeof createEventBus>;
let silences: Silences;
let api: TestApi;

beforeEach(async () => {
  clock = new VirtualClock(STARTED_AT_MS);
  const random = createSeededRandom(9);
  database = await openTestStateDatabase(clock);
  const base = { database, clock, random, logger: silentLogger, metrics: new SelfMetrics() };
  bus = createEventBus(base);
  silences = new Silences({ ...base, bus, limits: DEFAULT_SILENCE_LIMITS });
  await silences.start();
  api = await startTestApi({
    // The longest matchers are longer than other requests of tests.
    parts: { limits: { maxBodyBytes: 100_000 } },
    register: (app) =>
      registerSilenceRoutes(app, {
        silences,
        clock,
        notification: {
          firingOf: (matchers) =>
            Promise.resolve(FIRING.filter(({ labels }) => matchesAll(matchers, labels))),
        },
        language: { parseMatcher: (text) => parseMatcher(text), formatMatcher, silenceStateAt },
        async labelsOfAlert(id) {
          if (id !== 'alrt_1') throw new OmoiError('unknown_alert', `no alert ${id}`);
          return { alertname: 'Down', host: 'a "b"' };
        },
      }),
  });
});
afterEach(async () => {
  await api.close();
  await silences.stop();
  await bus.stop();
  await database.close();
});

const call = (line: string, payload?: object, role: Role = 'operator'): Promise<TestAnswer> =>
  callBelow('/api/v1/alerts/silences', api, { role, line, ...(payload && { payload }) });

async function add(body: object = {}): Promise<z.output<typeof silenceView>> {
  const order = { matchers: ['alertname=Down'], duration_ms: HOUR_MS, comment: 'disks', ...body };
  const answer = await call('POST ', order);
  expect([answer.status, answer.body['message']]).toEqual([201, undefined]);
  return silenceView.parse(answer.body);
}

async function list(query = '') {
  const answer = await call(`GET ${query}`, undefined, 'viewer');
  expect(answer.status).toBe(200);
  return silencesAnswer.parse(answer.body);
}

describe('a silence', () => {
  it('is set from matchers', async () => {
    const silence = await add({ matchers: ['alertname=Down', 'host=~"a.*"'], annotations: { ticket: '7' } });
    expect(silence).toEqual({
      id: silence.id,
      state: 'active',
      matcher_sets: [['alertname="Down"', 'host=~"a.*"']],
      starts_at: iso(STARTED_AT_MS),
      ends_at: iso(STARTED_AT_MS + HOUR_MS),
      created_by: 'the operator',
      set_by: 'the operator',
      comment: 'disks',
      annotations: { ticket: '7' },
      until_resolved: false,
      warn_before_ms: null,
      alert_id: null,
      created_at: iso(STARTED_AT_MS),
      updated_at: iso(STARTED_AT_MS),
      end: null,
    });
    expect((await call(`GET /${silence.id}`)).body).toEqual(silence);
  });

  it('is set from several sets, with a beginning, until the alerts are resolved, and warns', async () => {
    const silence = await add({
      matchers: undefined,
      matcher_sets: [['a=1'], ['b=2', 'c!=3']],
      starts_at: iso(STARTED_AT_MS + 60_000),
      duration_ms: undefined,
      ends_at: iso(STARTED_AT_MS + 120_000),
      until_resolved: true,
      warn_before_ms: 5000,
    });
    expect(silence).toMatchObject({
      state: 'pending',
      matcher_sets: [['a="1"'], ['b="2"', 'c!="3"']],
      until_resolved: true,
      warn_before_ms: 5000,
    });
  });

  it('is set from an alert: for what has all its labels', async () => {
    const silence = await add({ matchers: undefined, alert_id: 'alrt_1' });
    expect(silence).toMatchObject({
      alert_id: 'alrt_1',
      matcher_sets: [['alertname="Down"', 'host="a \\"b\\""']],
    });
    expect(silences.silencesOf({ alertname: 'Down', host: 'a "b"', more: '1' }, clock.wallMs())).toHaveLength(
      1,
    );
  });

  it('is extended from now on, or to a time, as long as it has not ended', async () => {
    const { id } = await add();
    await clock.advance(HOUR_MS / 2);
    expect((await call(`POST /${id}/extend`, { duration_ms: HOUR_MS })).body).toMatchObject({
      id,
      ends_at: iso(STARTED_AT_MS + 1.5 * HOUR_MS),
    });
    const ends = iso(STARTED_AT_MS + HOUR_MS);
    expect((await call(`POST /${id}/extend`, { ends_at: ends })).body).toMatchObject({ ends_at: ends });
    const past = await call(`POST /${id}/extend`, { ends_at: iso(STARTED_AT_MS + 1) });
    expect([past.status, past.body['error']]).toEqual([400, 'invalid_silence']);
    await clock.advance(HOUR_MS);
    const late = await call(`POST /${id}/extend`, { duration_ms: HOUR_MS });
    expect([late.status, late.body['error']]).toEqual([409, 'silence_ended']);
  });

  it('is changed in place, or by another one where it is for other alerts', async () => {
    const { id, created_by: author } = await add();
    const said = await call(`POST /${id}/change`, { comment: 'new disks', until_resolved: true });
    expect(said.body).toMatchObject({ id, comment: 'new disks', until_resolved: true, created_by: author });
    const other = await call(`POST /${id}/change`, { matcher_sets: [['team=db'], ['alertname="Down"']] });
    expect(other.status).toBe(200);
    expect(other.body).toMatchObject({
      matcher_sets: [['team="db"'], ['alertname="Down"']],
      comment: 'new disks',
      until_resolved: true,
      state: 'active',
    });
    expect(other.body['id']).not.toBe(id);
    expect((await call(`GET /${id}`)).body).toMatchObject({
      state: 'expired',
      end: { cause: 'replaced', by: 'the operator', replaced_by: other.body['id'] },
    });
    const late = await call(`POST /${id}/change`, { comment: 'too late' });
    expect([late.status, late.body['error']]).toEqual([409, 'silence_ended']);
    expect(late.body['message']).toContain(`${String(other.body['id'])} took its place`);
  });

  it('has expressions of maxRegexSize at most together, as what is previewed or looked for', async () => {
    const { id } = await add();
    const large = ['a=~"(x|y|z){1,900}"', 'b=~"(x|y|z){1,900}"'];
    const query = large.map((matcher) => `matcher=${encodeURIComponent(matcher)}`).join('&');
    for (const asked of [
      call('POST ', { matchers: large, duration_ms: HOUR_MS, comment: 'disks' }),
      call(`POST /${id}/change`, { matcher_sets: large.map((matcher) => [matcher]) }),
      call(`GET /preview?${query}`),
      call(`GET ?${query}`),
    ]) {
      const { status, body } = await asked;
      expect([status, body['message']]).toEqual([400, expect.stringContaining('maxRegexSize (10000)')]);
    }
  });

  it.each([
    [{}, 'say what is to be otherwise'],
    [{ comment: '' }, 'comment'],
    [{ matcher_sets: [['team']] }, 'is no matcher like name="value"'],
    [{ matcher_sets: [['a=~".*"']] }, 'at least one matcher must not match the empty string'],
    [{ ends_at: iso(STARTED_AT_MS + HOUR_MS) }, 'ends_at'],
  ])('is not changed by %j', async (body, message) => {
    const { id } = await add();
    const answer = await call(`POST /${id}/change`, body);
    expect([answer.status, answer.body['message']]).toEqual([400, expect.stringContaining(message)]);
  });

  it('is ended before its time', async () => {
    const { id } = await add();
    const ended = await call(`DELETE /${id}`);
    expect(ended.body).toMatchObject({
      state: 'expired',
      end: { cause: 'expired', by: 'the operator', replaced_by: null },
    });
    expect((await call(`DELETE /${id}`)).status).toBe(200);
    const unknown = await call('DELETE /other');
    expect([unknown.status, unknown.body['error']]).toEqual([404, 'unknown_silence']);
  });

  it.each<[string, object, string]>([
    ['no matchers', { matchers: undefined }, 'one of matchers, matcher_sets and alert_id'],
    ['matchers twice', { alert_id: 'alrt_1' }, 'one of matchers, matcher_sets and alert_id'],
    ['no end', { duration_ms: undefined }, 'one of ends_at and duration_ms'],
    ['two ends', { ends_at: iso(STARTED_AT_MS + 1) }, 'one of ends_at and duration_ms'],
    ['a broken matcher', { matchers: ['alertname'] }, 'is no matcher like name="value": bad matcher format'],
    ['no comment', { comment: '' }, 'comment'],
    [
      'what matches everything',
      { matchers: ['a=~".*"'] },
      'at least one matcher must not match the empty string',
    ],
  ])('with %s is refused', async (_what, body, message) => {
    const order = { matchers: ['alertname=Down'], duration_ms: HOUR_MS, comment: 'disks', ...body };
    const answer = await call('POST ', order);
    expect([answer.status, answer.body['message']]).toEqual([400, expect.stringContaining(message)]);
    expect(silences.list()).toEqual([]);
  });

  const matchers = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, at) => `l${at}="x"`);
  const matcherOf = (characters: number): string => `l="${'x'.repeat(characters - 4)}"`;

  it.each<[string, object, number]>([
    [`${maxMatchers} matchers`, { matchers: matchers(maxMatchers) }, 201],
    [`${maxMatchers + 1} matchers`, { matchers: matchers(maxMatchers + 1) }, 400],
    [`${maxMatchers} sets`, { matcher_sets: matchers(maxMatchers).map((one) => [one]) }, 201],
    [`${maxMatchers + 1} sets`, { matcher_sets: matchers(maxMatchers + 1).map((one) => [one]) }, 400],
    [`a set of ${maxMatchers} matchers`, { matcher_sets: [matchers(maxMatchers)] }, 201],
    [`a set of ${maxMatchers + 1} matchers`, { matcher_sets: [matchers(maxMatchers + 1)] }, 400],
    [`a matcher of ${maxMatcherCharacters} characters`, { matchers: [matcherOf(maxMatcherCharacters)] }, 201],
    [
      `a matcher of ${maxMatcherCharacters + 1} characters`,
      { matchers: [matcherOf(maxMatcherCharacters + 1)] },
      400,
    ],
    [`${maxDurationMs} ms`, { matchers: matchers(1), duration_ms: maxDurationMs }, 201],
    [`${maxDurationMs + 1} ms`, { matchers: matchers(1), duration_ms: maxDurationMs + 1 }, 400],
  ])('of %s is answered as the limits say', async (_what, body, status) => {
    const answer = await call('POST ', { duration_ms: HOUR_MS, comment: 'disks', ...body });
    expect([answer.status, silences.list()]).toMatchObject([status, status === 201 ? [{}] : []]);
  });

  it('from an alert that there is not is refused', async () => {
    const answer = await call('POST ', { alert_id: 'alrt_2', duration_ms: 1, comment: 'x' });
    expect([answer.status, answer.body['error']]).toEqual([404, 'unknown_alert']);
  });

  it('is an operator’s to set and a viewer’s to read', async () => {
    expect((await call('POST ', {}, 'viewer')).status).toBe(403);
    expect((await call('DELETE /x', undefined, 'viewer')).status).toBe(403);
    expect((await call('POST /x/extend', {}, 'ingest')).status).toBe(403);
    expect((await call('GET ', undefined, 'ingest')).status).toBe(403);
  });
});

describe('a change of a silence', () => {
  const change = (id: string, body: object, role?: Role) => call(`POST /${id}/change`, body, role);
  const read = async (id: string) => silenceView.parse((await call(`GET /${id}`)).body);
  const said = ({ status, body }: TestAnswer) => [status, body['error']];

  it.each<[Role, number, string]>([
    ['viewer', 403, 'forbidden'],
    ['ingest', 403, 'forbidden'],
  ])('is not a %s’s to ask for, whether the silence is there or not', async (role, status, code) => {
    const before = await add();
    for (const id of [before.id, 'other']) {
      expect(said(await change(id, { comment: 'mine' }, role))).toEqual([status, code]);
    }
    expect(await read(before.id)).toEqual(before);
  });

  it('is nobody’s who does not say who they are', async () => {
    const before = await add();
    for (const headers of [{}, { authorization: 'Bearer omoi_forged' }]) {
      const answer = await api.app.inject({
        method: 'POST',
        url: `/api/v1/alerts/silences/${before.id}/change`,
        headers: { ...headers, host: 'localhost' },
        payload: { comment: 'mine' },
      });
      expect([answer.statusCode, answer.json()]).toMatchObject([401, { error: 'unauthenticated' }]);
    }
    expect(await read(before.id)).toEqual(before);
  });

  it('of one that is not there is refused', async () => {
    for (const id of ['other', '00000000-0000-4000-8000-000000000000', encodeURIComponent("x' or '1")]) {
      expect(said(await change(id, { comment: 'late' }))).toEqual([404, 'unknown_silence']);
    }
  });

  it('of one whose time is over, or that was ended, is refused, and names no other', async () => {
    const [over, ended] = [await add(), await add({ duration_ms: 2 * HOUR_MS })];
    await call(`DELETE /${ended.id}`);
    await clock.advance(HOUR_MS + 1);
    for (const { id } of [over, ended]) {
      for (const body of [{ comment: 'late' }, { matcher_sets: [['team=db']] }, { until_resolved: true }]) {
        const answer = await change(id, body);
        expect(said(answer)).toEqual([409, 'silence_ended']);
        expect(answer.body['message']).toBe(`The silence ${id} has ended: set a new one.`);
      }
    }
    expect((await list('?state=all')).silences).toHaveLength(2);
  });

  it('of the comment alone leaves all else as it was', async () => {
    const before = await add({ annotations: { ticket: '7' }, until_resolved: true, warn_before_ms: 5000 });
    await clock.advance(60_000);
    const { status, body } = await change(before.id, { comment: 'late disks' });
    const now = { ...before, comment: 'late disks', updated_at: iso(clock.wallMs()) };
    expect([status, body]).toEqual([200, now]);
    expect(await read(before.id)).toEqual(now);
  });

  it('of different things by two at once makes both', async () => {
    const { id } = await add();
    const answers = await Promise.all([
      change(id, { comment: 'late disks' }),
      change(id, { until_resolved: true }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await read(id)).toMatchObject({ comment: 'late disks', until_resolved: true, state: 'active' });
  });

  it('of the same thing by two at once is as the last one has it', async () => {
    const { id } = await add();
    const answers = await Promise.all(['one', 'two'].map((comment) => change(id, { comment })));
    expect(answers.map(({ status, body }) => [status, body['comment']])).toEqual([
      [200, 'one'],
      [200, 'two'],
    ]);
    expect((await read(id)).comment).toBe('two');
  });

  it.each<[string, object]>([
    ['the comment', { comment: 'late disks' }],
    ['for what it is', { matcher_sets: [['team=mail']] }],
  ])('of for what it is leaves to whoever changes %s at once where it went', async (_, other) => {
    const { id } = await add();
    const [first, second] = await Promise.all([
      change(id, { matcher_sets: [['team=db']] }),
      change(id, other),
    ]);
    expect(first.status).toBe(200);
    expect(said(second)).toEqual([409, 'silence_ended']);
    const next = String(first.body['id']);
    expect(second.body['message']).toBe(`The silence ${id} has ended: ${next} took its place.`);
    expect((await list()).silences).toMatchObject([
      { id: next, matcher_sets: [['team="db"']], comment: 'disks' },
    ]);
  });
});

describe('what a silence would be for', () => {
  const preview = async (...matchers: readonly string[]) => {
    const query = new URLSearchParams(matchers.map((matcher): [string, string] => ['matcher', matcher]));
    const { status, body } = await call(`GET /preview?${query.toString()}`, undefined, 'viewer');
    const alerts = body['alerts'];
    return [status, body['firing'], Array.isArray(alerts) ? alerts.length : null, body['error']];
  };

  it('is counted, and the first of it is named', async () => {
    expect(await preview('team=web')).toEqual([200, 2, 2, undefined]);
    expect(await preview('alertname="Down"', 'host=~"h.*"')).toEqual([200, 12, 10, undefined]);
    expect(await preview('alertname="Down"', 'team=mail')).toEqual([200, 0, 0, undefined]);
    expect(await preview('alertname')).toEqual([400, undefined, null, 'invalid_request']);
    expect(await preview()).toEqual([400, undefined, null, 'invalid_request']);
  });

  it.each([maxPreviewedAlerts, maxPreviewedAlerts + 1])(
    `of %i alerts names ${maxPreviewedAlerts}`,
    async (count) => {
      const some = `host=~"${Array.from({ length: count }, (_, at) => `h${at}`).join('|')}"`;
      expect(await preview(some)).toEqual([200, count, maxPreviewedAlerts, undefined]);
    },
  );

  it(`is asked with ${maxMatchers} matchers, and no more`, async () => {
    const none = (count: number) => Array.from({ length: count }, (_, at) => `alertname="x${at}"`);
    expect(await preview(...none(maxMatchers))).toEqual([200, 0, 0, undefined]);
    expect(await preview(...none(maxMatchers + 1))).toEqual([400, undefined, null, 'invalid_request']);
  });
});

describe('the list', () => {
  it('has those that have not ended, the newest first; the ended ones behind; page by page', async () => {
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      ids.push((await add({ matchers: [`alertname=${name}`] })).id);
      await clock.advance(1000);
    }
    const [a = '', b = '', c = '', d = ''] = ids;
    for (const id of [c, a]) {
      await call(`DELETE /${id}`);
      await clock.advance(1000);
    }
    expect((await list()).silences.map(({ id }) => id)).toEqual([d, b]);
    expect((await list('?state=expired')).silences.map(({ id }) => id)).toEqual([a, c]);
    for (const limit of [1, 2, 3, 4]) {
      const seen: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await list(
          `?state=all&limit=${limit}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        );
        expect(page.silences.length).toBeLessThanOrEqual(limit);
        seen.push(...page.silences.map(({ id }) => id));
        cursor = page.next_cursor;
      }
      expect([limit, seen]).toEqual([limit, [d, b, a, c]]);
    }
  });

  it('is narrowed by state and by matchers as they are written', async () => {
    const active = await add({ matchers: ['alertname=Down', 'team=web'] });
    const pending = await add({ starts_at: iso(STARTED_AT_MS + 60_000) });
    const idsOf = async (query: string) => (await list(query)).silences.map(({ id }) => id);
    expect(await idsOf('?state=pending')).toEqual([pending.id]);
    expect(await idsOf('?state=active')).toEqual([active.id]);
    expect(await idsOf('?matcher=alertname%3DDown&matcher=team%3D%22web%22')).toEqual([active.id]);
    expect(await idsOf('?matcher=alertname%3D~Down')).toEqual([]);
    const broken = await call('GET ?matcher=x');
    expect([broken.status, broken.body['error']]).toEqual([400, 'invalid_request']);
    const forged = await call('GET ?cursor=l.1.x');
    expect([forged.status, forged.body['error']]).toEqual([400, 'invalid_cursor']);
  });
});
