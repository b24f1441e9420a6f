import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { maxToldProblems } from './alert-routes.ts';
import { type AlertmanagerApi, openAlertmanagerApi, STARTED_AT_MS } from './alertmanager-api.test-support.ts';
import {
  alertsAnswer,
  groupsAnswer,
  receiversAnswer,
  silencesAnswer,
  statusAnswer,
} from './alertmanager-schemas.ts';

let opened: AlertmanagerApi;
beforeEach(async () => {
  opened = await openAlertmanagerApi();
});
afterEach(() => opened.close());

const call: AlertmanagerApi['call'] = (...request) => opened.call(...request);
const iso = (ms: number): string => new Date(ms).toISOString();
const HOUR_MS = 3_600_000;

const DOWN = { labels: { alertname: 'Down', team: 'web', host: 'a' }, annotations: { summary: 'gone' } };
const FULL = { labels: { alertname: 'Full', host: 'b' }, generatorURL: 'http://prometheus/graph' };

const post = (...alerts: readonly unknown[]) => call('POST alerts', { payload: alerts });

function silence(rest: object = {}) {
  return {
    matchers: [{ name: 'alertname', value: 'Down', isRegex: false }],
    startsAt: iso(STARTED_AT_MS),
    endsAt: iso(STARTED_AT_MS + HOUR_MS),
    createdBy: 'ann',
    comment: 'disks',
    ...rest,
  };
}

async function setSilence(rest: object = {}): Promise<string> {
  const { status, body } = await call('POST silences', { payload: silence(rest) });
  expect(status).toBe(200);
  return (body as { silenceID: string }).silenceID;
}

const namesOf = (body: unknown): readonly string[] =>
  alertsAnswer.parse(body).map(({ labels }) => labels['alertname'] ?? '');

describe('GET status and receivers', () => {
  it('say what Alertmanager says', async () => {
    const { status, body, headers } = await call('GET status');
    expect([status, headers['cache-control']]).toEqual([200, 'no-store']);
    expect(statusAnswer.parse(body)).toEqual(body);
    expect(body).toMatchObject({
      cluster: { status: 'disabled', peers: [] },
      config: { original: expect.stringContaining('receiver: web') as string },
      uptime: iso(STARTED_AT_MS),
      versionInfo: { version: '0.34.0', revision: '0.0.0-test' },
    });
    const receivers = await call('GET receivers');
    expect(receiversAnswer.parse(receivers.body)).toEqual([
      { name: 'default', labels: { name: 'default' } },
      { name: 'web', labels: { name: 'web', owner: 'web' } },
    ]);
    const some = await call('GET receivers?receiver_matchers=owner%3D%22web%22');
    expect(some.body).toEqual([{ name: 'web', labels: { name: 'web', owner: 'web' } }]);
  });
});

describe('POST alerts', () => {
  it('fills in times, strips empty labels and says who sent them', async () => {
    const zero = '0001-01-01T00:00:00.000Z';
    await post(
      { ...DOWN, labels: { ...DOWN.labels, empty: '' } },
      { labels: { alertname: 'Zero' }, startsAt: zero, endsAt: zero },
      { labels: { alertname: 'Over' }, endsAt: iso(STARTED_AT_MS - 1000) },
      {
        labels: { alertname: 'Own' },
        startsAt: '2026-11-30T13:00:00.123456789+02:00',
        endsAt: '2026-11-30T12:30:00Z',
      },
    );
    const [{ alerts, from } = { alerts: [], from: null }] = opened.stage.view.taken;
    expect(from).toEqual({ sender: 'token:the admin', traceparent: null });
    const timeout = { startsAtMs: STARTED_AT_MS, endsAtMs: STARTED_AT_MS + 5 * 60_000, timesOut: true };
    expect(alerts.map(({ startsAtMs, endsAtMs, timesOut }) => ({ startsAtMs, endsAtMs, timesOut }))).toEqual([
      timeout,
      timeout,
      { startsAtMs: STARTED_AT_MS - 1000, endsAtMs: STARTED_AT_MS - 1000, timesOut: false },
      { startsAtMs: STARTED_AT_MS - HOUR_MS + 123, endsAtMs: STARTED_AT_MS + HOUR_MS / 2, timesOut: false },
    ]);
    expect(alerts[0]?.labels).toEqual(DOWN.labels);
  });

  it('takes those that are right, whatever is wrong with others', async () => {
    const answer = await post(
      DOWN,
      { labels: { a: '' } },
      { labels: { '': 'x' } },
      { labels: { a: 'b' }, annotations: { '': 'x' } },
      { labels: { a: 'b' }, startsAt: iso(STARTED_AT_MS), endsAt: iso(STARTED_AT_MS - 1) },
      FULL,
    );
    expect([answer.status, answer.body]).toEqual([
      400,
      'at least one label pair required\n' +
        'invalid label set: invalid name ""\n' +
        'invalid annotations: invalid name ""\n' +
        'start time must be before end time',
    ]);
    expect(opened.stage.view.taken[0]?.alerts).toHaveLength(2);
  });

  it.each<[string, unknown, number, string]>([
    ['no list', {}, 400, 'parsing alerts body from "" failed, because it has to be a list'],
    ['a text', ['x'], 400, 'parsing alerts body from "" failed, because 0 has to be an object'],
    ['no labels', [DOWN, {}], 422, '1.labels in body is required'],
    [
      'a number',
      [{ labels: { a: 1 } }],
      400,
      'parsing alerts body from "" failed, because 0.labels.a has to be a text',
    ],
    [
      'no time',
      [{ ...DOWN, startsAt: 'soon' }],
      400,
      'parsing alerts body from "" failed, because 0.startsAt has to be a time like 2026-11-30T12:00:00Z',
    ],
    [
      'no address',
      [{ ...DOWN, generatorURL: 'not one' }],
      422,
      '0.generatorURL in body must be of type uri: "not one"',
    ],
  ])('takes nothing of a body with %s', async (_what, payload, status, message) => {
    const answer = await call('POST alerts', { payload });
    expect([answer.status, answer.body]).toMatchObject([status, { message }]);
    expect(opened.stage.view.taken).toEqual([]);
  });

  it.each([
    ['a small body', ''],
    ['a body of many pieces', 'x'.repeat(70_000)],
  ])(
    'refuses an alert with the label __proto__ with its place, and takes the others of %s',
    async (_, long) => {
      const right = { ...DOWN, annotations: { summary: long } };
      const forged = '{"labels":{"alertname":"F","__proto__":"x"}}';
      const escaped = '{"labels":{"alertname":"E"},"annotations":{"\\u005f_proto__":"x"}}';
      const text = `[${JSON.stringify(right)},${forged},${JSON.stringify(FULL)},${escaped},${JSON.stringify(right)}]`;
      const answer = await call('POST alerts', { text });
      expect([answer.status, answer.body]).toEqual([
        400,
        '1 in body: the key "__proto__" is not allowed\n3 in body: the key "__proto__" is not allowed',
      ]);
      const names = opened.stage.view.taken.flatMap(({ alerts }) =>
        alerts.map(({ labels }) => labels['alertname']),
      );
      expect(names).toEqual(['Down', 'Full', 'Down']);
    },
  );

  it('refuses a body with the key __proto__ that is no list, and other bodies with it, as a whole', async () => {
    const object = await call('POST alerts', { text: '{"__proto__":[]}' });
    expect([object.status, object.body]).toEqual([
      400,
      expect.stringContaining('"__proto__" is not allowed'),
    ]);
    const silenced = await call('POST silences', { text: '[{"__proto__":{}}]' });
    expect([silenced.status, silenced.body]).toEqual([400, expect.stringContaining('"__proto__"')]);
  });

  it.each([maxToldProblems, maxToldProblems + 1])(
    `of %i alerts that are wrong says of ${maxToldProblems} what is`,
    async (count) => {
      const answer = await post(...Array.from({ length: count }, () => ({ labels: {} })));
      expect(answer.status).toBe(400);
      const told = String(answer.body).split('\n');
      expect(told).toEqual(Array.from({ length: maxToldProblems }, () => 'at least one label pair required'));
    },
  );

  it('tells what is no JSON, or not the right type, in a text', async () => {
    const broken = await call('POST alerts', { text: '[{' });
    expect([broken.status, typeof broken.body]).toEqual([400, 'string']);
    const form = await call('POST alerts', { text: 'a=b', headers: { 'content-type': 'text/plain' } });
    expect(form.status).toBe(415);
    expect(form.body).toMatchObject({ code: 415, error: 'unsupported_media_type' });
  });
});

describe('GET alerts', () => {
  beforeEach(() => post(DOWN, FULL));

  it('has the shape that Alertmanager gives it', async () => {
    const id = await setSilence();
    const { status, body } = await call('GET alerts');
    expect(status).toBe(200);
    expect(alertsAnswer.parse(body)).toEqual(body);
    const down = (body as { labels: { alertname: string } }[]).find(
      ({ labels }) => labels.alertname === 'Down',
    );
    expect(down).toEqual({
      annotations: { summary: 'gone' },
      endsAt: iso(STARTED_AT_MS + 5 * 60_000),
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      receivers: [{ name: 'web' }],
      startsAt: iso(STARTED_AT_MS),
      status: { inhibitedBy: [], mutedBy: [], silencedBy: [id], state: 'suppressed' },
      updatedAt: iso(STARTED_AT_MS),
      labels: DOWN.labels,
    });
  });

  it.each([
    ['', ['Down', 'Full']],
    ['?filter=alertname%3DDown', ['Down']],
    ['?filter=alertname%3D~%22D.*%22&filter=host%3Db', []],
    ['?filter=team%3D%22%22', ['Full']],
    ['?receiver=we.*', ['Down']],
    ['?receiver=we', []],
    ['?receiver=', ['Down', 'Full']],
    ['?receiver_matchers=owner%3Dweb', ['Down']],
    ['?silenced=false', ['Full']],
    ['?active=false', ['Down']],
    ['?active=false&silenced=false', []],
    ['?inhibited=false&unprocessed=false&unknown=1', ['Down', 'Full']],
  ])('with %s lists %o', async (query, expected) => {
    await setSilence();
    const { body } = await call(`GET alerts${query}`);
    expect(namesOf(body).toSorted()).toEqual(expected);
  });

  it.each([
    ['?filter=a', 'bad matcher format: a'],
    ['?receiver=(', /^failed to parse receiver param: /],
    ['?receiver_matchers=a', 'failed to parse receiver_matchers param: bad matcher format: a'],
    [`?${'filter=a%3Db&'.repeat(101)}`, 'there are more than 100 matchers (maxFilters)'],
    [`?${'filter=a%3D~"[a-z]{1,1000}"&'.repeat(11)}`, /is too large: size 11000, more than maxRegexSize/],
  ])('refuses %s in a text', async (query, message) => {
    for (const path of ['alerts', 'alerts/groups']) {
      const { status, body } = await call(`GET ${path}${query}`);
      expect(status).toBe(400);
      expect(body).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    }
  });

  it('is in the order of fingerprints', async () => {
    await post(...Array.from({ length: 20 }, (_, at) => ({ labels: { alertname: `A${at}` } })));
    const prints = alertsAnswer.parse((await call('GET alerts')).body).map(({ fingerprint }) => fingerprint);
    expect(prints).toEqual(prints.toSorted());
    expect(prints).toHaveLength(22);
  });
});

describe('GET alerts/groups', () => {
  it('has the shape and the order that Alertmanager gives it', async () => {
    const web = (host: string, job?: string) => ({
      labels: { alertname: 'Down', team: 'web', host, ...(job && { job }) },
    });
    await post(FULL, web('b'), web('a'), web('a', 'node'));
    opened.stage.view.mutedBy = ['nights'];
    const { body } = await call('GET alerts/groups');
    expect(groupsAnswer.parse(body)).toEqual(body);
    const groups = groupsAnswer
      .parse(body)
      .map(({ labels, receiver, routeLabels, alerts }) => [
        receiver.name,
        labels,
        routeLabels,
        alerts.map(({ labels: { job = '-' }, status: { state, mutedBy } }) => [job, state, mutedBy]),
      ]);
    expect(groups).toEqual([
      ['default', { alertname: 'Full' }, {}, [['-', 'active', []]]],
      [
        'web',
        { alertname: 'Down', host: 'a' },
        {},
        [
          ['node', 'suppressed', ['nights']],
          ['-', 'suppressed', ['nights']],
        ],
      ],
      ['web', { alertname: 'Down', host: 'b' }, {}, [['-', 'suppressed', ['nights']]]],
    ]);
    expect((await call('GET alerts/groups?muted=false')).body).toHaveLength(1);
    expect((await call('GET alerts/groups?receiver=web&filter=host%3Da')).body).toHaveLength(1);
    expect((await call('GET alerts/groups?receiver_matchers=owner%3Dweb')).body).toHaveLength(2);
  });
});

describe('silences', () => {
  it('are set, read, changed, replaced and ended', async () => {
    const id = await setSilence({ annotations: { ticket: '7' } });
    const read = await call(`GET silence/${id}`);
    expect(read.body).toEqual({
      id,
      status: { state: 'active' },
      updatedAt: iso(STARTED_AT_MS),
      annotations: { ticket: '7' },
      comment: 'disks',
      createdBy: 'ann',
      endsAt: iso(STARTED_AT_MS + HOUR_MS),
      matchers: [{ isEqual: true, isRegex: false, name: 'alertname', value: 'Down' }],
      startsAt: iso(STARTED_AT_MS),
    });
    expect(await setSilence({ id, comment: 'more' })).toBe(id);
    const regex = [{ name: 'alertname', value: 'D.*', isRegex: true, isEqual: false }];
    const next = await setSilence({ id, matchers: regex });
    expect(next).not.toBe(id);
    const ended = await call(`GET silence/${id}`);
    expect(ended.body).toMatchObject({ status: { state: 'expired' } });
    for (const _twice of [1, 2]) {
      const deleted = await call(`DELETE silence/${next}`);
      expect([deleted.status, deleted.text]).toEqual([200, '']);
    }
    expect(opened.stage.silences.list()).toEqual([]);
  });

  it('are listed active, pending, ended, by filters of their matchers and states', async () => {
    const active = await setSilence();
    const pending = await setSilence({ startsAt: iso(STARTED_AT_MS + 60_000) });
    const regex = [...silence().matchers, { name: 'host', value: 'a|b', isRegex: true }];
    const over = await setSilence({ matchers: regex });
    await call(`DELETE silence/${over}`);
    const idsOf = async (query: string): Promise<readonly string[]> => {
      const { body } = await call(`GET silences${query}`);
      return silencesAnswer.parse(body).map(({ id }) => id);
    };
    expect(await idsOf('')).toEqual([active, pending, over]);
    expect(await idsOf('?expired=false')).toEqual([active, pending]);
    expect(await idsOf('?active=false&pending=0')).toEqual([over]);
    expect(await idsOf('?filter=alertname%3DDown')).toEqual([active, pending, over]);
    expect(await idsOf('?filter=alertname%3DDown&filter=host%3D~%22a%7Cb%22')).toEqual([over]);
    expect(await idsOf('?filter=alertname%3D~Down')).toEqual([]);
    expect((await call('GET silences?filter=x')).body).toBe('bad matcher format: x');
  });

  it.each<[string, object, number, unknown]>([
    ['no comment', { comment: undefined }, 422, { code: 602, message: 'comment in body is required' }],
    ['no matchers', { matchers: undefined }, 422, { code: 602, message: 'matchers in body is required' }],
    [
      'an empty list',
      { matchers: [] },
      422,
      { code: 612, message: 'matchers in body should have at least 1 items' },
    ],
    [
      'half a matcher',
      { matchers: [{ name: 'a', value: 'b' }] },
      422,
      { code: 602, message: 'matchers.0.isRegex in body is required' },
    ],
    ['no end', { endsAt: undefined }, 422, { code: 602, message: 'endsAt in body is required' }],
    [
      'its end before its beginning',
      { endsAt: iso(STARTED_AT_MS - 1) },
      400,
      'Failed to create silence: start time must be before end time',
    ],
    [
      'its end in the past',
      { startsAt: iso(STARTED_AT_MS - HOUR_MS), endsAt: iso(STARTED_AT_MS - 1) },
      400,
      "Failed to create silence: end time can't be in the past",
    ],
    [
      'nothing that it asks for',
      { matchers: [{ name: 'a', value: '.*', isRegex: true }] },
      400,
      'invalid silence: matcher set 0: at least one matcher must not match the empty string',
    ],
    ['an id that there is not', { id: '00000000-0000-4000-8000-000000000000' }, 404, 'silence not found'],
  ])('with %s is refused as Alertmanager does', async (_what, rest, status, body) => {
    const answer = await call('POST silences', { payload: silence(rest) });
    expect([answer.status, answer.body]).toEqual([status, body]);
    expect(opened.stage.silences.list()).toEqual([]);
  });

  it('that there is not is a bare 404, and what is no id is refused', async () => {
    for (const method of ['GET', 'DELETE']) {
      const answer = await call(`${method} silence/00000000-0000-4000-8000-000000000000`);
      expect([answer.status, answer.text]).toEqual([404, '']);
      const wrong = await call(`${method} silence/x`);
      expect([wrong.status, wrong.body]).toEqual([
        422,
        { code: 601, message: 'silenceID in path must be of type uuid: "x"' },
      ]);
    }
  });

  const setOfSets = async (comment: string, ...values: readonly string[]) =>
    (
      await opened.stage.silences.set({
        id: null,
        matcherSets: values.map((value) => [{ name: 'a', operator: '=', value }]),
        startsAtMs: null,
        endsAtMs: STARTED_AT_MS + HOUR_MS,
        createdBy: 'ann',
        comment,
        annotations: {},
        by: 'ann',
      })
    ).id;

  it.each([
    ['moving', ['1', '2', '3'], 'moving (and 2 more matcher sets; see Omoi)'],
    ['', ['1', '2'], '(and 1 more matcher set; see Omoi)'],
    ['moving', ['1'], 'moving'],
  ])('%j of the sets %j is shown as %j, and comes back as it is', async (comment, values, shown) => {
    const id = await setOfSets(comment, ...values);
    expect(await call('GET silences')).toMatchObject({ body: [{ comment: shown }] });
    expect(await call(`GET silence/${id}`)).toMatchObject({ body: { comment: shown } });
    const matchers = [{ isEqual: true, isRegex: false, name: 'a', value: '1' }];
    await setSilence({ id, matchers, endsAt: iso(STARTED_AT_MS + 2 * HOUR_MS), comment: shown });
    expect((await opened.stage.silences.get(id)).comment).toBe(comment);
    await setSilence({ id, matchers, endsAt: iso(STARTED_AT_MS + 2 * HOUR_MS), comment: 'other' });
    expect((await opened.stage.silences.get(id)).comment).toBe('other');
  });

  it('of several matcher sets show the first and all, and are changed as a whole or not at all', async () => {
    const id = await setOfSets('', '1', '2');
    const first = [{ isEqual: true, isRegex: false, name: 'a', value: '1' }];
    const second = [{ ...first[0], value: '2' }];
    const [listed] = (await call('GET silences')).body as unknown[];
    expect(listed).toMatchObject({ matchers: first, matcherSets: [first, second] });
    const endsAt = iso(STARTED_AT_MS + 2 * HOUR_MS);
    expect(await setSilence({ id, matchers: first, endsAt })).toBe(id);
    expect((await opened.stage.silences.get(id)).matcherSets).toHaveLength(2);
    const changed = await call('POST silences', { payload: silence({ id, matchers: second }) });
    expect([changed.status, changed.body]).toEqual([400, expect.stringContaining('has 2 matcher sets')]);
  });
});

describe('who may', () => {
  it.each([
    ['GET alerts', { viewer: 200, ingest: 403, agent: 403, operator: 200 }],
    ['GET /alertmanager/metrics', { viewer: 200, ingest: 403 }],
    ['POST silences', { viewer: 403, ingest: 403, operator: 422 }],
    ['DELETE silence/00000000-0000-4000-8000-000000000000', { viewer: 403, ingest: 403, operator: 404 }],
    ['POST alerts', { viewer: 403, ingest: 200, agent: 403, operator: 200 }],
  ] as const)('%s', async (line, statuses) => {
    for (const [role, status] of Object.entries(statuses)) {
      const payload = line === 'POST alerts' ? [DOWN] : line.startsWith('POST') ? {} : undefined;
      const options = { role: role as 'viewer', ...(payload && { payload }) };
      expect([role, (await call(line, options)).status]).toEqual([role, status]);
    }
    const senders = opened.stage.view.taken.map(({ from }) => from.sender);
    if (line === 'POST alerts') expect(senders).toEqual(['token:the ingest', 'token:the operator']);
    const unnamed = { role: null, ...(line.startsWith('POST') && { payload: [] }) };
    expect((await call(line, unnamed)).status).toBe(401);
  });

  it('a program of this machine posts alerts without a token where that is allowed, and nothing else', async () => {
    const open = await openAlertmanagerApi(true);
    try {
      expect((await open.call('POST alerts', { role: null, payload: [DOWN] })).status).toBe(200);
      expect(open.stage.view.taken[0]?.from.sender).toBe('anonymous');
      expect((await open.call('POST silences', { role: null, payload: silence() })).status).toBe(401);
      expect((await open.call('GET alerts', { role: null })).status).toBe(401);
    } finally {
      await open.close();
    }
  });

  it('a token comes as the password of basic authentication, too', async () => {
    const [, token] = opened.api.as('viewer').authorization.split(' ');
    const authorization = `Basic ${Buffer.from(`any:${token}`).toString('base64')}`;
    expect((await call('GET status', { role: null, headers: { authorization } })).status).toBe(200);
  });
});

describe('what is not there', () => {
  it('of the first version is gone', async () => {
    for (const line of ['GET /alertmanager/api/v1/alerts', 'DELETE /alertmanager/api/v1/silence/1']) {
      const { status, body } = await call(line);
      expect(status).toBe(410);
      expect(body).toEqual({ status: 'deprecated', error: expect.stringContaining('v2 API') as string });
    }
    expect((await call('POST /alertmanager/api/v1/alerts', { payload: [] })).status).toBe(410);
  });

  it('is told as Alertmanager tells it', async () => {
    const { status, body } = await call('GET nothing');
    expect([status, body]).toMatchObject([404, { code: 404, error: 'not_found' }]);
    const method = await call('DELETE alerts');
    expect([method.status, method.body]).toMatchObject([405, { code: 405, error: 'method_not_allowed' }]);
  });
});
