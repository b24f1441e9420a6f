import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpPage } from './http-page.test-support.ts';
import { inputsOf, routesOf, type Description } from './http-routes.test-support.ts';
import { loadConfig } from './config/load.ts';
import { startServer, type RunningOmoi } from './start.ts';

const directory = mkdtempSync(join(tmpdir(), 'omoi-http-page-'));
let server: RunningOmoi;
let description: Description;

beforeAll(async () => {
  const environment = {
    OMOI_DATA_DIRECTORY: join(directory, 'data'),
    OMOI_HTTP_PORT: '0',
    OMOI_OTLP_ENABLED: 'false',
    OMOI_LOG_DESTINATION: join(directory, 'log'),
  };
  server = await startServer({
    config: loadConfig({ file: null, environment }),
    version: '0.0.0',
    extraPools: () => [],
    agentsOnStop: 'end',
    dashboardDirectory: join(directory, 'none'),
    docsDirectory: join(directory, 'none'),
    environment,
  });
  const answer = await fetch(`${server.url}/openapi.json`);
  description = (await answer.json()) as Description;
});

afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});

describe('docs/http.md', () => {
  /** `npm run unit -- src/server/http-page -u` writes it anew from what a running server says at `/openapi.json`. */
  it('describes every route as its schemas have it', async () => {
    expect(routesOf(description).length).toBeGreaterThan(100);
    await expect(httpPage(description)).toMatchFileSnapshot('../../docs/http.md');
  });

  it('leaves nothing that a request may say without a meaning', () => {
    const silent = routesOf(description).flatMap((route) =>
      inputsOf(route)
        .filter(({ meaning }) => meaning === '')
        .map(({ name }) => `${route.line}: ${name}`),
    );
    expect(silent).toEqual([]);
  });
});
