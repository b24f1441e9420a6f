import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../api.test-support.ts';

const PAGE = '<!doctype html><title>Omoi</title>';
const SCRIPT = 'export {};\n'.repeat(200);

let directory: string;
let test: TestApi;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'omoi-dashboard-'));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), PAGE);
  await writeFile(join(directory, 'assets/index-abc.js'), SCRIPT);
  await writeFile(join(directory, 'assets/index-abc.js.gz'), gzipSync(SCRIPT));
});

afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  const options = { version: '0', allowedHosts: [], dashboardDirectory: directory, docsDirectory: null };
  test = await startTestApi({ parts: { options } });
});

afterEach(() => test.close());

const asBrowser = { accept: 'text/html,application/xhtml+xml' };

describe('the dashboard’s files', () => {
  it.each(['/', '/login', '/traces/4bf92f3577b34da6a3ce929d0e0e4736'])(
    'answer %s with the page, fresh each time, that runs no script but its own',
    async (url) => {
      const answer = await test.app.inject({ url, headers: asBrowser });
      expect([answer.statusCode, answer.body]).toEqual([200, PAGE]);
      expect(answer.headers['cache-control']).toBe('no-cache');
      const policy = String(answer.headers['content-security-policy']);
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
    },
  );

  it('are kept by the browser for good, because their names change with their content', async () => {
    const answer = await test.app.inject({ url: '/assets/index-abc.js' });
    expect([answer.statusCode, answer.body]).toEqual([200, SCRIPT]);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(answer.headers['content-type']).toMatch('javascript');
  });

  it('are sent compressed where the browser takes it', async () => {
    const headers = { 'accept-encoding': 'gzip, br' };
    const answer = await test.app.inject({ url: '/assets/index-abc.js', headers });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(answer.rawPayload).toString()).toBe(SCRIPT);
  });

  it.each(['/assets/gone.js', '/assets/..%2findex.html', '/api/v1/nowhere', '/metrics/x'])(
    'are no answer to %s',
    async (url) => {
      const answer = await test.app.inject({ url, headers: asBrowser });
      expect([answer.statusCode, answer.json().error]).toEqual([404, 'not_found']);
    },
  );

  it('say so when they have not been built', async () => {
    const bare = await startTestApi();
    const answer = await bare.app.inject({ url: '/', headers: asBrowser });
    await bare.close();
    expect([answer.statusCode, answer.json().message]).toEqual([404, expect.stringMatching('not built')]);
  });
});
