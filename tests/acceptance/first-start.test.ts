import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';

const data = dataDirectory();
afterAll(() => data.remove());

it('a first start that fails keeps no admin token that nobody has seen; a later one says how to log in', async () => {
  // Where the demo wants a directory of its own: the server listens by then, and knows what its database holds.
  mkdirSync(data.path, { recursive: true });
  writeFileSync(join(data.path, 'demo'), '');
  const failed = await omoi(['serve', '--demo'], {
    OMOI_DATA_DIRECTORY: data.path,
    OMOI_HTTP_PORT: '0',
    OMOI_OTLP_PORT: '0',
  });
  expect([failed.status, failed.stderr]).toEqual([1, expect.stringContaining(join(data.path, 'demo'))]);
  expect(failed.stdout + failed.stderr).not.toMatch(/^ +admin/m);
  rmSync(join(data.path, 'demo'));

  const env = { OMOI_HTTP_HOST: '0.0.0.0', OMOI_WATCHDOG_DISABLE: "['*']" };
  const first = await OmoiServer.start(data.path, { demo: true, env });
  const { adminToken } = first;
  // A start that will repair nothing says so.
  expect(first.stdout).toMatch(/^ +watching +.*, 0 policies$/m);
  expect(first.stdout).toMatch(/^ +warning +0 policies: whatever fires, nothing is repaired/m);
  // What is listened on, every address, is none that can be opened.
  const [, link = '', port, path] =
    /log in +(http:\/\/127\.0\.0\.1:(\d+)(\/login\?code=\S+))/.exec(first.stdout) ?? [];
  expect(first.stdout).toContain(`elsewhere  http://${hostname()}:${port}${path}`);
  const opened = await fetch(link, { redirect: 'manual' });
  expect([opened.status, opened.headers.get('set-cookie')]).toEqual([303, expect.any(String)]);
  const named = request(first.url, { path: '/healthz', headers: { host: `${hostname()}:${port}` } }).end();
  const [answer] = (await once(named, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(200);
  answer.resume();
  await first.stop();

  const later = await OmoiServer.start(data.path);
  const tokens = await fetch(`${later.url}/api/v1/tokens`, {
    headers: { authorization: `Bearer ${adminToken}` },
  });
  expect(tokens.status).toBe(200);
  await later.stop();
  expect(later.stdout).toContain(`omoi token login --data-directory ${data.path}`);
});
