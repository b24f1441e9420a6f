import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSeededRandom, type Labels, OmoiError } from '#telemetry';
import { createRouter, readConfigurationFile, TimeIntervals } from '#notification';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import {
  AlertmanagerServer,
  checkedByAmtool,
  isAlertmanagerInstalled,
} from './routing/alertmanager-server.ts';
import { IntervalGenerator } from './routing/random-intervals.ts';
import { RECEIVERS, RouteGenerator, type WrittenRoute } from './routing/random-routes.ts';
import { scalarFiles } from './routing/written-scalars.ts';

/*
 * Routing beside Alertmanager 0.25 and its amtool: where alerts go and how they are grouped, when a route is muted, which files
 * are refused. What is newer than 0.25 is left out; the unit tests and the fixtures of the newest tree hold it. OMOI_SEED
 * shows a run again, OMOI_RUNS_FACTOR looks further.
 */

const installed = isAlertmanagerInstalled();
if (!installed && process.env['CI'] === 'true') {
  throw new Error('alertmanager is missing: apt-get install prometheus-alertmanager');
}

const NAME = `OMOI_SEED=${propertySeed} (skipped without it: apt-get install prometheus-alertmanager)`;
const LIMIT_MS = 400_000;

const FILES = { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no such file')) };

function read(text: string) {
  return readConfigurationFile({ name: 'f', text, directory: '/nowhere' }, { files: FILES });
}

describe.skipIf(!installed)(`where alerts go, beside Alertmanager, ${NAME}`, () => {
  const random = createSeededRandom(propertySeed);
  const generator = new RouteGenerator(random);
  const trees = propertyRuns(60);
  const alerts = Array.from({ length: trees * 20 }, (_, at): Labels => {
    const labels = Object.entries(generator.labels()).filter(([, value]) => value !== '');
    return { ...Object.fromEntries(labels), case: String(at % trees), n: String(at) };
  });
  const routes = Array.from({ length: trees }, (_, at): WrittenRoute => {
    return { matchers: [`case="${at}"`], routes: generator.routes(3) };
  });
  const text = JSON.stringify({
    route: { receiver: RECEIVERS[0], group_wait: '1h', routes },
    receivers: RECEIVERS.map((name) => ({ name })),
  });
  let server: AlertmanagerServer;

  beforeAll(async () => {
    server = await AlertmanagerServer.start(text);
    await server.post(alerts);
    await server.until('every alert is in a group', async () => {
      const grouped = (await groupsOf(server)).flatMap((group) =>
        group.alerts.map(({ labels }) => labels['n']),
      );
      return new Set(grouped).size === alerts.length;
    });
  }, LIMIT_MS);
  afterAll(() => server?.stop());

  it('each to the same receivers, in the same groups', { timeout: LIMIT_MS }, async () => {
    const router = createRouter((await read(text)).route);
    const ours = alerts.flatMap((labels) =>
      router
        .routesOf(labels)
        .map(({ route, groupLabels }) => lineOf(labels['n'], route.receiver, groupLabels)),
    );
    const theirs = (await groupsOf(server)).flatMap(({ labels, receiver, alerts: members }) =>
      members.map((alert) => lineOf(alert.labels['n'], receiver.name, labels)),
    );
    expect(ours.sort()).toEqual(theirs.sort());
    expect(new Set(ours).size).toBeGreaterThan(alerts.length);
  });
});

interface Group {
  readonly labels: Labels;
  readonly receiver: { readonly name: string };
  readonly alerts: readonly { readonly labels: Labels }[];
}

async function groupsOf(server: AlertmanagerServer): Promise<readonly Group[]> {
  return (await server.get('/api/v2/alerts/groups')) as Group[];
}

function lineOf(alert: string | undefined, receiver: string, groupLabels: Labels): string {
  const labels = Object.entries(groupLabels).map(([name, value]) => `${name}=${value}`);
  return `alert ${alert ?? ''} to ${receiver} in ${labels.sort().join()}`;
}

describe.skipIf(!installed)(`time intervals beside Alertmanager, ${NAME}`, () => {
  it('mute and let pass the same', { timeout: LIMIT_MS }, async () => {
    const generator = new IntervalGenerator(createSeededRandom(propertySeed), Date.now());
    const intervals = Array.from({ length: propertyRuns(150) }, () => generator.interval());
    const told = new Set<string>();
    const receiver = createServer((request, response) => {
      told.add(request.url ?? '');
      request.resume().on('end', () => response.end());
    }).listen(0, '127.0.0.1');
    await new Promise((done) => receiver.once('listening', done));
    const address = receiver.address();
    if (address === null || typeof address === 'string') throw new Error('a port');
    const url = `http://127.0.0.1:${address.port}`;
    const sides = intervals.flatMap((_, at) => [
      { name: `muted-${at}`, mute_time_intervals: [`i${at}`] },
      { name: `active-${at}`, active_time_intervals: [`i${at}`] },
    ]);
    const text = JSON.stringify({
      route: {
        receiver: 'none',
        group_wait: '0s',
        group_interval: '1h',
        routes: sides.map(({ name, ...times }) => ({
          ...times,
          receiver: name,
          matchers: [`side="${name}"`],
        })),
      },
      receivers: [
        { name: 'none' },
        ...sides.map(({ name }) => ({ name, webhook_configs: [{ url: `${url}/${name}` }] })),
      ],
      time_intervals: intervals.map((interval, at) => ({ name: `i${at}`, time_intervals: [interval] })),
    });
    const server = await AlertmanagerServer.start(text);
    try {
      const times = new TimeIntervals((await read(text)).timeIntervals);
      const within = () => intervals.map((_, at) => times.namesWithin([`i${at}`], Date.now()).length > 0);
      const before = within();
      await server.post(sides.map(({ name }) => ({ side: name })));
      // Of both sides of an interval one is told, whichever it is.
      await server.until('one side of each interval is told', () => {
        const now = within();
        const isTold = (at: number): boolean => told.has(`/muted-${at}`) || told.has(`/active-${at}`);
        return Promise.resolve(intervals.every((_, at) => isTold(at) || before[at] !== now[at]));
      });
      const after = within();
      // A minute may have begun meanwhile, of which nobody can say which of the two it was.
      const steady = intervals.map((_, at) => at).filter((at) => before[at] === after[at]);
      expect(steady.length).toBeGreaterThan(intervals.length * 0.9);
      const asExpected = steady.filter((at) => before[at] === told.has(`/active-${at}`));
      expect(steady.filter((at) => !asExpected.includes(at)).map((at) => intervals[at])).toEqual([]);
      expect(new Set(before).size).toBe(2);
    } finally {
      await server.stop();
      receiver.closeAllConnections();
      receiver.close();
    }
  });
});

/** Some of them, drawn by the seed; all with OMOI_LONG=1. */
function sliceOf(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  if (process.env['OMOI_LONG'] === '1') return files;
  const random = createSeededRandom(propertySeed);
  return new Map([...files].filter(() => random.next() < SHARE));
}

/** A file takes some milliseconds. */
const SHARE = 0.06;

/** Why a file is refused here; null where it is taken. */
async function refusalOf(text: string): Promise<string | null> {
  try {
    await read(text);
    return null;
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'routing_invalid') return thrown.message;
    throw thrown;
  }
}

/** What has changed since 0.25, or is refused on purpose, by the place and the value. */
const KNOWN_DIFFERENCES: readonly RegExp[] = [
  // yaml.v2 takes a quoted null for null, and `Null` for the empty text.
  /Null|'null'/,
  // It wants quotes around an address with a query in a list or map of one line.
  /https:[^ ]*\?y=z#f/,
  // And it reads a colon before a comma as part of a text.
  /example\.org:,/,
  // An item that is empty would be Sunday, never, or a link to nowhere: here that is a mistake.
  /(?:weekdays|days_of_month|months|years|links): \[(?:~|null)\]/,
  // Details may be nested since 0.30, and addresses that are shown are read again since 0.31.
  /details: \{ a: [[{]|webhook_configs: \[\{ url: <secret>/,
];

describe.skipIf(!installed)('files beside amtool check-config', () => {
  it(
    'are refused where it refuses them: ways to write a value, in many places',
    { timeout: LIMIT_MS },
    async () => {
      const files = sliceOf(scalarFiles());
      const theirs = checkedByAmtool(files);
      expect(theirs.size).toBe(files.size);
      const different: string[] = [];
      for (const [name, text] of files) {
        // 0.25 knows the classic grammar alone.
        const refusal = await refusalOf(`${text}x-omoi: { matchers: classic }\n`);
        const reason = theirs.get(name) ?? null;
        if ((refusal === null) === (reason === null) || KNOWN_DIFFERENCES.some((known) => known.test(text)))
          continue;
        different.push(`${text}  omoi: ${refusal ?? 'taken'}\n  amtool: ${reason ?? 'taken'}`);
      }
      expect(different).toEqual([]);
    },
  );
});
