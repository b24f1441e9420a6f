import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PageCursors } from '#telemetry';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';

const directory = dataDirectory();
let server: OmoiServer;
let admin: Client;
/** The cursor behind a rule that is loaded, and that rule: it stands in the cursors of two lists. */
let behindRule: string;
let rule: string;

beforeAll(async () => {
  server = await OmoiServer.start(directory.path);
  admin = new Client(() => server.url, server.adminToken);
  const { next_cursor } = await admin.read<{ next_cursor: string }>('/api/v1/alerts/rules?limit=1');
  behindRule = next_cursor;
  rule = new PageCursors('rules', {}).placeOf(next_cursor);
});

afterAll(async () => {
  await server.stop();
  directory.remove();
});

interface PagedList {
  readonly path: string;
  readonly parameter: string;
  /** A cursor as the list gives it. What it points at need not be there. */
  own(): string;
  /** How its own forged cursor is answered: a page, or a code where a row that is gone has no place. */
  readonly forged: string;
  /** Others of its form, and how they are answered. */
  readonly extremes?: readonly (readonly [string, string])[];
}

const id = (prefix: string): string => `${prefix}_01kb6fh9rg${'0'.repeat(12)}`;
const refused = '400 invalid_request';
const refusedBy = ({ parameter }: PagedList): string =>
  parameter === 'cursor' ? '400 invalid_cursor' : refused;
/** As the lists give them where nothing else is asked for. */
const ALERTS = new PageCursors('alerts', { matchers: [] });
const ACTIVE = new PageCursors('active alerts', {});
const LOGS = new PageCursors('logs', {});
const NOTIFICATIONS = new PageCursors('notifications', {});
const SILENCES = new PageCursors('silences', { state: 'live', matcher: [] });
const FINISHED = new PageCursors('finished tasks', {});
const TRACES = new PageCursors('traces', { attributes: {} });
/** Beyond all that a date can be, and beyond all whole numbers. */
const endOfTime = '9'.repeat(16);

const LISTS: readonly PagedList[] = [
  {
    path: '/api/v1/alerts',
    parameter: 'cursor',
    own: () => ALERTS.at(`1764330000000.${id('alrt')}`),
    forged: '200',
    extremes: [
      [ALERTS.at(`${endOfTime}.${id('alrt')}`), '200'],
      [ALERTS.at(`0.${id('alrt')}`), '200'],
      [`1764330000000.${id('alrt')}`, '400 invalid_cursor'],
      [
        new PageCursors('alerts', { matchers: [], state: 'firing' }).at(`1764330000000.${id('alrt')}`),
        '400 invalid_cursor',
      ],
    ],
  },
  { path: '/api/v1/alerts/rules', parameter: 'cursor', own: () => behindRule, forged: '200' },
  {
    path: '/api/v1/alerts/active',
    parameter: 'cursor',
    own: () => ACTIVE.at(`${'f'.repeat(16)}.${rule}`),
    forged: '200',
    extremes: [[ACTIVE.at(`${'f'.repeat(16)}.no/such rule`), '400 invalid_cursor']],
  },
  {
    path: '/api/v1/alerts/notifications',
    parameter: 'cursor',
    own: () => NOTIFICATIONS.at(id('ntf')),
    forged: '200',
    extremes: [[id('ntf'), '400 invalid_cursor']],
  },
  {
    path: '/api/v1/alerts/silences',
    parameter: 'cursor',
    own: () => SILENCES.at(`l.1764330000000.${'0'.repeat(36)}`),
    forged: '200',
    extremes: [
      [SILENCES.at(`e.${endOfTime}.${'0'.repeat(36)}`), '200'],
      [SILENCES.at(`l.0.${'0'.repeat(36)}`), '200'],
    ],
  },
  { path: '/api/v1/fleet/tasks', parameter: 'after', own: () => id('task'), forged: '404 unknown_task' },
  {
    path: '/api/v1/fleet/tasks/finished',
    parameter: 'cursor',
    own: () => FINISHED.at(`1764330000000.${id('task')}`),
    forged: '200',
    extremes: [
      [FINISHED.at(`${endOfTime}.${id('task')}`), '200'],
      [FINISHED.at(`0.${id('task')}`), '200'],
      [`1764330000000.${id('task')}`, '400 invalid_cursor'],
    ],
  },
  { path: '/api/v1/fleet/locks', parameter: 'after', own: () => id('lock'), forged: '200' },
  { path: '/api/v1/tokens', parameter: 'after', own: () => id('tok'), forged: '200' },
  {
    path: '/api/v1/monitor/anomalies',
    parameter: 'after',
    own: () => id('anom'),
    forged: '404 unknown_anomaly',
  },
  { path: '/api/v1/watchdog/remediations', parameter: 'before', own: () => id('rem'), forged: '200' },
  { path: '/api/v1/watchdog/policies', parameter: 'after', own: () => 'no such policy', forged: refused },
  {
    path: '/api/v1/observability/logs',
    parameter: 'cursor',
    own: () => LOGS.at('1764330000000.7'),
    forged: '200',
    extremes: [
      [LOGS.at(`${endOfTime}.${endOfTime}`), '200'],
      [LOGS.at('0.0'), '200'],
      ['1764330000000.7', '400 invalid_cursor'],
    ],
  },
  {
    path: '/api/v1/observability/traces',
    parameter: 'cursor',
    own: () => TRACES.at('1764330000000000.7'),
    forged: '200',
    extremes: [
      [TRACES.at(`${endOfTime}.${endOfTime}`), '200'],
      [TRACES.at('0.0'), '200'],
      ['1764330000000000.7', '400 invalid_cursor'],
    ],
  },
];

/** What is no whole number that a double holds, in digits. */
const NO_NUMBERS = ['', '-1', '1.5', '1e3', '0x10', ' 5', 'NaN', '9007199254740992', '9007199254740993'].map(
  (text) => [text, refused] as const,
);

/** Lists whose cursor is a number or a name that people choose: any is one that the list may have given. */
const BY_NAME_OR_NUMBER: readonly PagedList[] = [
  { path: '/api/v1/fleet/agents', parameter: 'after', own: () => 'w-7', forged: '200' },
  {
    path: '/api/v1/fleet/pools',
    parameter: 'after',
    own: () => 'coders',
    forged: '200',
    extremes: [['Coders', refused]],
  },
  {
    path: '/api/v1/events',
    parameter: 'after_id',
    own: () => String(Number.MAX_SAFE_INTEGER),
    forged: '200',
    extremes: [['0', '200'], ...NO_NUMBERS],
  },
  {
    path: '/api/v1/events',
    parameter: 'before_id',
    own: () => '1',
    forged: '200',
    extremes: [['0', '200'], [String(Number.MAX_SAFE_INTEGER), '200'], ...NO_NUMBERS],
  },
  {
    path: '/api/v1/audit',
    parameter: 'before_id',
    own: () => String(Number.MAX_SAFE_INTEGER),
    forged: '200',
    extremes: [['1', '200'], ['0', refused], ...NO_NUMBERS],
  },
];

async function answerTo({ path, parameter }: PagedList, cursor: string): Promise<string> {
  const { status, body } = await admin.call(`${path}?${parameter}=${encodeURIComponent(cursor)}&limit=2`);
  return status === 200 ? '200' : `${status} ${(body as { error?: string } | null)?.error ?? 'no error'}`;
}

describe('a cursor that a list did not give', () => {
  it.each([...LISTS, ...BY_NAME_OR_NUMBER])('is answered by $path', async (list) => {
    const expected = [[list.own(), list.forged], ...(list.extremes ?? [])];
    const answers = [];
    for (const [cursor = ''] of expected) answers.push([cursor, await answerTo(list, cursor)]);
    expect(answers).toEqual(expected);
    for (const broken of ['\0', '\u{10ffff}'.repeat(30), "' or 1=1 --", '../', '{}']) {
      expect([broken, await answerTo(list, broken)]).toEqual([broken, refusedBy(list)]);
    }
  });

  it.each(LISTS)('is refused by $path where another list gave it', async (list) => {
    for (const other of [...LISTS, ...BY_NAME_OR_NUMBER]) {
      if (other.path === list.path) continue;
      const cursor = other.own();
      const expected = [other.path, cursor, refusedBy(list)];
      expect([other.path, cursor, await answerTo(list, cursor)]).toEqual(expected);
    }
  });
});

it.each([
  ['after all events', '/api/v1/events?after_id=9007199254740991'],
  ['after all events, the oldest first', '/api/v1/events?after_id=9007199254740991&order=oldest_first'],
  ['before the first event', '/api/v1/events?before_id=0'],
  ['before the first event, the oldest first', '/api/v1/events?before_id=1&order=oldest_first'],
  ['between two that leave no room', '/api/v1/events?after_id=5&before_id=6'],
  ['before the first entry', '/api/v1/audit?before_id=1'],
  ['behind the last token', `/api/v1/tokens?after=tok_${'0'.repeat(22)}`],
  ['behind the last agent', `/api/v1/fleet/agents?after=${'z'.repeat(200)}`],
  ['behind the last pool', `/api/v1/fleet/pools?after=${'z'.repeat(63)}`],
  ['behind the last lock', `/api/v1/fleet/locks?after=lock_${'7z'.repeat(11)}`],
  ['behind the oldest remediation', `/api/v1/watchdog/remediations?before=rem_${'0'.repeat(22)}`],
])('%s there is an empty page', async (_where, path) => {
  const { status, body } = await admin.call(path);
  const rows = Array.isArray(body) ? body : Object.values(body as object)[0];
  expect([status, rows]).toEqual([200, []]);
});

it.each([...LISTS, ...BY_NAME_OR_NUMBER].map(({ path }) => path))(
  'a page of %s has at least one row, and a bounded number',
  async (path) => {
    for (const limit of ['0', '-1', '1001', '', 'x', '1e2', '9007199254740993']) {
      const { status, body } = await admin.call(`${path}?limit=${limit}`);
      expect([limit, status, (body as { error?: string }).error]).toEqual([limit, 400, 'invalid_request']);
    }
  },
);

it('knows every list that has pages', async () => {
  const { paths } = await admin.read<{
    paths: Record<string, { get?: { parameters?: readonly { readonly name: string }[] } }>;
  }>('/openapi.json');
  const cursors = ['cursor', 'after', 'before', 'after_id', 'before_id'];
  const described = Object.entries(paths).flatMap(([path, { get }]) =>
    (get?.parameters ?? []).flatMap(({ name }) => (cursors.includes(name) ? [`${path} ${name}`] : [])),
  );
  const known = [...LISTS, ...BY_NAME_OR_NUMBER].map(({ path, parameter }) => `${path} ${parameter}`);
  const noLists = [
    // Before a time, which is no cursor.
    '/api/v1/monitor/anomalies before',
    // A place in a file; the tests of its route forge it.
    '/api/v1/fleet/agents/{agent_id}/output cursor',
  ];
  expect(described.toSorted()).toEqual([...known, ...noLists].toSorted());
});
