import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMatcher, readConfigurationFile } from '#notification';
import type { Matcher } from '#telemetry';
import {
  type AlertmanagerApi,
  openAlertmanagerApi,
} from '../../src/api/alertmanager/alertmanager-api.test-support.ts';
import { VIEWED_CONFIGURATION } from '../../src/api/alertmanager/alertmanager-view.suite.test-support.ts';
import type { Role } from '../../src/api/access/roles.ts';
import { propertyRuns, propertySeed } from '../property-runs.ts';
import { WallClock } from './support/wall-clock.ts';

const installed = spawnSync('amtool', ['--version']).status === 0;
if (!installed && process.env['CI'] === 'true') {
  throw new Error('amtool is missing: apt-get install --no-install-recommends prometheus-alertmanager');
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const piece = (...characters: readonly string[]) =>
  fc.string({ unit: fc.constantFrom(...characters), maxLength: 5 });
const MATCHER_TEXT = fc
  .tuple(
    fc.constantFrom('foo', 'a_1', 'b:c', ' foo ', 'f-o', 'fö', '1a'),
    fc.constantFrom('=', '!=', '=~', '!~', ' = ', '!', '=='),
    piece('a', '"', '\\', 'n', ' ', '\t', ',', '|', '.', 'ü', '{', '}'),
    fc.constantFrom('', '"'),
  )
  .map(([name, operator, value, quote]) => name + operator + quote + value + quote);

let opened: AlertmanagerApi;
let url: string;

beforeAll(async () => {
  opened = await openAlertmanagerApi(false, new WallClock());
  // Labels of receivers came after 0.25, which reads configurations strictly.
  const text = VIEWED_CONFIGURATION.replace(/^ +labels: .*\n/m, '');
  const nowhere = (): Promise<never> => Promise.reject(new Error('it names no file'));
  const { shown } = await readConfigurationFile(
    { name: 'alertmanager.yml', text, directory: '/' },
    { files: { list: nowhere, read: nowhere } },
  );
  opened.stage.view.configuration = () => shown;
  url = await opened.api.api.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(() => opened.close());

/** The address with a token of the role as its password. */
function addressAs(role: Role): string {
  const address = new URL('/alertmanager', url);
  address.username = 'any';
  address.password = opened.api.as(role).authorization.replace('Bearer ', '');
  return address.href;
}

async function amtoolAs(role: Role, ...args: readonly string[]): Promise<Ended> {
  const child = spawn('amtool', [...args, `--alertmanager.url=${addressAs(role)}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: '/nonexistent', TZ: 'UTC' },
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: child.exitCode, stdout, stderr };
}

/** Of what has to succeed. */
async function amtool(...args: readonly string[]): Promise<string> {
  const ended = await amtoolAs('operator', ...args);
  expect({ args, ...ended }).toMatchObject({ status: 0 });
  return ended.stdout;
}

const jsonOf = async (...args: readonly string[]): Promise<unknown> =>
  JSON.parse(await amtool(...args, '--output=json')) as unknown;

describe.skipIf(!installed)(
  'amtool (skipped without it: apt-get install --no-install-recommends prometheus-alertmanager)',
  () => {
    it('adds alerts and queries them', async () => {
      await amtool('alert', 'add', 'Down', 'team=web', 'host=a', '--annotation=summary=gone for good');
      await amtool('alert', 'add', 'alertname=Full', 'host=b', '--generator-url=http://prometheus/graph');
      const shown = await amtool('alert', 'query');
      expect(shown).toMatch(/^Alertname +Starts At +Summary +State/);
      expect(shown).toMatch(/^Down .*gone for good +active/m);
      expect(shown).toMatch(/^Full .* active/m);
      expect(await amtool('alert', 'query', 'Full')).not.toContain('Down');
      expect(await amtool('alert', 'query', 'host=~"a|c"')).not.toContain('Full');
      expect(await amtool('alert', 'query', '--receiver=we.*')).not.toContain('Full');
      expect(await jsonOf('alert', 'query', 'Down')).toMatchObject([
        { labels: { alertname: 'Down' }, receivers: [{ name: 'web' }], status: { state: 'active' } },
      ]);
    });

    it('adds, queries, updates and expires silences', async () => {
      const comment = '--comment=new disks';
      const id = (await amtool('silence', 'add', 'Down', 'host=~"a|b"', '--duration=2h', comment)).trim();
      expect(id).toMatch(/^[0-9a-f-]{36}$/);
      const listed = await amtool('silence', 'query');
      expect(listed).toContain(id);
      expect(listed).toContain('alertname="Down" host=~"a|b"');
      expect(listed).toContain('new disks');
      expect((await amtool('silence', 'query', '-q', 'alertname=Down')).trim()).toBe(id);
      expect((await amtool('silence', 'query', '-q', 'alertname=Up')).trim()).toBe('');
      expect((await amtool('silence', 'query', '-q', '--within=1h')).trim()).toBe('');

      expect(await amtool('alert', 'query')).not.toContain('Down');
      expect(await amtool('alert', 'query', '--silenced')).toMatch(/^Down .* suppressed/m);

      // The ids that it prints with -q are addresses in its memory.
      const updated = await jsonOf('silence', 'update', '--duration=30m', '--comment=old disks', id);
      expect(updated).toMatchObject([{ id, comment: 'old disks' }]);
      expect((await amtool('silence', 'query', '-q', '--within=1h')).trim()).toBe(id);
      expect(await jsonOf('silence', 'query')).toMatchObject([
        { id, comment: 'old disks', status: { state: 'active' } },
      ]);

      await amtool('silence', 'expire', id);
      expect((await amtool('silence', 'query', '-q')).trim()).toBe('');
      expect((await amtool('silence', 'query', '-q', '--expired')).trim()).toBe(id);
      expect(await amtool('alert', 'query')).toContain('Down');
      const [again] = (await jsonOf('silence', 'update', '--duration=30m', id)) as { id: string }[];
      expect(again?.id).not.toBe(id);
      await amtool('silence', 'expire', again?.id ?? '');
    });

    it('is told why a silence is refused', async () => {
      const everything = await amtoolAs('operator', 'silence', 'add', 'a=~".*"', '--comment=x');
      expect(everything.status).not.toBe(0);
      expect(everything.stderr).toContain('at least one matcher must not match the empty string');
      const unknown = await amtoolAs('operator', 'silence', 'expire', '00000000-0000-4000-8000-000000000000');
      expect(unknown.status).not.toBe(0);
      expect(unknown.stderr).toContain('404');
      const past = await amtoolAs(
        'operator',
        'silence',
        'add',
        'a=b',
        '--comment=x',
        '--end=2020-01-01T00:00:00Z',
        '--start=2019-01-01T00:00:00Z',
      );
      expect(past.stderr).toContain("end time can't be in the past");
    });

    it('shows the configuration and that there is no cluster', async () => {
      const shown = await amtool('config', 'show');
      expect(shown).toContain('# Who is told.');
      expect(shown).toContain('url: http://<secret>');
      expect(shown).toContain('smtp_auth_password: <secret>');
      expect(shown).not.toContain('hush');
      expect(await amtool('config', 'routes', 'show')).toContain('receiver: web');
      expect(await amtool('config', 'routes', 'test', 'team=web')).toBe('web\n');
      expect(await amtool('config', 'routes', 'test', 'team=db')).toBe('default\n');
      expect(await amtool('cluster', 'show')).toMatch(/Cluster Status: +disabled/);
    });

    it('reads matchers of the classic grammar as they are read here', async () => {
      const texts = fc.sample(MATCHER_TEXT, { numRuns: propertyRuns(60), seed: propertySeed });
      for (const text of texts) {
        const added = await amtoolAs('operator', 'silence', 'add', 'x=y', text, '--comment=x');
        let expected: Matcher | null = null;
        try {
          expected = parseMatcher(text, { mode: 'classic' });
        } catch {
          // It is refused there, too.
        }
        expect([text, added.status === 0]).toEqual([text, expected !== null]);
        if (expected === null) continue;
        const [set] = (await opened.stage.silences.expire(added.stdout.trim(), 'test')).matcherSets;
        const [, read] = set ?? [];
        expect([text, read?.name, read?.operator, read?.value]).toEqual([
          text,
          expected.name,
          expected.operator,
          expected.value,
        ]);
      }
    }, 120_000);

    it('is kept out where its token may not', async () => {
      const silenced = await amtoolAs('viewer', 'silence', 'add', 'a=b', '--comment=x');
      expect([silenced.status === 0, silenced.stderr]).toEqual([false, expect.stringContaining('403')]);
      const posted = await amtoolAs('viewer', 'alert', 'add', 'Down');
      expect([posted.status === 0, posted.stderr]).toEqual([false, expect.stringContaining('403')]);
      expect((await amtoolAs('ingest', 'alert', 'add', 'Up')).status).toBe(0);
      expect((await amtoolAs('ingest', 'alert', 'query')).stderr).toContain('403');
    });
  },
);
