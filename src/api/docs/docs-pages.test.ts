import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.test-support.ts';

const directory = mkdtempSync(join(tmpdir(), 'omoi-docs-'));
let api: TestApi;
let bare: TestApi;

beforeAll(async () => {
  mkdirSync(join(directory, 'docs/monitoring'), { recursive: true });
  writeFileSync(
    join(directory, 'docs/events.md'),
    'before\n# Events <of> `us` & "you"\n\nWhat happens → is told.\n',
  );
  writeFileSync(join(directory, 'docs/monitoring/otlp.md'), 'no heading\n');
  writeFileSync(join(directory, 'docs/picture.png'), 'x');
  writeFileSync(join(directory, 'secret.md'), 'a secret');
  api = await withDocs('docs');
  bare = await withDocs('nowhere');
});
afterAll(async () => {
  await Promise.all([api.close(), bare.close()]);
  rmSync(directory, { recursive: true });
});

const withDocs = (folder: string): Promise<TestApi> =>
  startTestApi({
    parts: {
      options: {
        version: '0',
        allowedHosts: [],
        dashboardDirectory: null,
        docsDirectory: join(directory, folder),
      },
    },
  });

const get = (of: TestApi, url: string) => of.app.inject({ url, headers: { host: 'localhost' } });

describe('/docs', () => {
  it('lists what there is to be read, and each link leads to it', async () => {
    const { statusCode, headers, body } = await get(api, '/docs');
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body).toContain(
      '<a href="/docs/events.md">Events &lt;of&gt; <code>us</code> &amp; &quot;you&quot;</a>',
    );
    expect(body).toContain('<a href="/docs/monitoring/otlp.md">monitoring/otlp.md</a>');
    const links = [...body.matchAll(/href="([^"]+)"/g)].map(([, href = '']) => href);
    expect(links).toEqual([
      '/docs/errors',
      '/openapi.json',
      '/metrics',
      '/docs/events.md',
      '/docs/monitoring/otlp.md',
    ]);
    // Who may read the numbers is a question of its own.
    for (const link of links.filter((one) => one !== '/metrics')) {
      expect([link, (await get(api, link)).statusCode]).toEqual([link, 200]);
    }
  });

  it('shows a page as it is written', async () => {
    const { body, headers } = await get(api, '/docs/events.md');
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(body).toContain('What happens → is told.');
  });

  it.each(['/docs/', '/docs/none.md', '/docs/picture.png', '/docs/..%2fsecret.md', '/docs/monitoring'])(
    'has nothing at %s but where to look',
    async (url) => {
      const answer = await get(api, url);
      expect([answer.statusCode, answer.json<{ error: string }>().error]).toEqual([404, 'not_found']);
    },
  );

  it('without the files lists what the server makes itself', async () => {
    const { body } = await get(bare, '/docs');
    expect([...body.matchAll(/href="([^"]+)"/g)].map(([, href]) => href)).toEqual([
      '/docs/errors',
      '/openapi.json',
      '/metrics',
    ]);
    expect((await get(bare, '/docs/events.md')).statusCode).toBe(404);
  });
});
