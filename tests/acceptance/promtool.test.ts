import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended } from './support/omoi-process.ts';
import { startQueriedServer, type QueriedServer } from './support/queried-server.ts';

const installed = spawnSync('promtool', ['--version']).status === 0;
if (!installed && process.env['CI'] === 'true') {
  throw new Error('promtool is missing: apt-get install --no-install-recommends prometheus');
}

let server: QueriedServer;
beforeAll(async () => {
  if (installed) server = await startQueriedServer();
});
afterAll(() => server?.stop());

/** The address with the token as a password: Debian's promtool knows no other way to send one. */
function addressOf(token: string): string {
  const url = new URL('/prometheus', server.url);
  url.username = 'any';
  url.password = token;
  return url.href;
}

async function promtool(args: readonly string[]): Promise<Ended> {
  const child = spawn('promtool', ['query', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { status: child.exitCode, stdout, stderr };
}

describe.skipIf(!installed)(
  'promtool query (skipped without it: apt-get install --no-install-recommends prometheus)',
  () => {
    const viewer = () => addressOf(server.viewerToken);

    it('instant', async () => {
      const { now } = server;
      const asked = await promtool(['instant', `--time=${now}`, viewer(), 'sort_desc(queue_depth)']);
      expect(asked).toMatchObject({ status: 0, stderr: '' });
      expect(asked.stdout).toBe(
        `queue_depth{queue="print"} => 130 @[${now}]\nqueue_depth{queue="mail"} => 30 @[${now}]\n`,
      );
    });

    it('range', async () => {
      const { now } = server;
      const window = [`--start=${now - 30}`, `--end=${now}`, '--step=15s'];
      const asked = await promtool(['range', ...window, viewer(), 'sum(queue_depth)']);
      expect(asked).toMatchObject({ status: 0, stderr: '' });
      expect(asked.stdout).toBe(`{} =>\n130 @[${now - 30}]\n145 @[${now - 15}]\n160 @[${now}]\n`);
    });

    it('series', async () => {
      const asked = await promtool(['series', '--match=queue_depth', '--match={queue="mail"}', viewer()]);
      expect(asked).toMatchObject({ status: 0, stderr: '' });
      expect(asked.stdout.trim().split('\n').sort()).toEqual([
        '{__name__="queue_depth", queue="mail"}',
        '{__name__="queue_depth", queue="print"}',
      ]);
    });

    it('labels', async () => {
      const asked = await promtool(['labels', viewer(), 'queue']);
      expect(asked).toMatchObject({ status: 0, stderr: '', stdout: 'mail\nprint\n' });
    });

    it('with JSON', async () => {
      const { now } = server;
      const asked = await promtool([
        '-o',
        'json',
        'instant',
        `--time=${now}`,
        viewer(),
        'queue_depth{queue="mail"}',
      ]);
      expect(JSON.parse(asked.stdout)).toEqual([
        { metric: { __name__: 'queue_depth', queue: 'mail' }, value: [now, '30'] },
      ]);
    });

    it('is told what is wrong with a query', async () => {
      const asked = await promtool(['instant', viewer(), 'sum(queue_depth']);
      expect(asked.status).not.toBe(0);
      expect(asked.stderr).toContain('bad_data: invalid parameter "query": 1:16: parse error');
    });

    it('is told what the data does not allow', async () => {
      const asked = await promtool(['instant', viewer(), 'queue_depth + on () queue_depth']);
      expect(asked.stderr).toContain('execution: found duplicate series for the match group {}');
    });

    it('is kept out without a token, or with one that may only write', async () => {
      const unknown = await promtool(['instant', new URL('/prometheus', server.url).href, '1']);
      expect(unknown.stderr).toContain('client error: 401');
      const ingest = await promtool(['instant', addressOf(server.ingestToken), '1']);
      expect(ingest.stderr).toContain('client error: 403');
    });
  },
);
