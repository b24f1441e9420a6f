import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { omoi } from './support/omoi-process.ts';
import { startQueriedServer, type QueriedServer } from './support/queried-server.ts';

let server: QueriedServer;
beforeAll(async () => {
  server = await startQueriedServer();
});
afterAll(() => server.stop());

describe('omoi query', () => {
  const ask = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    omoi(['query', '--time', String(server.now), ...args], env);

  it('prints a table, as the owner of the data directory', async () => {
    const asked = await ask(['--data-directory', server.directory, 'sort(queue_depth)']);
    expect(asked).toMatchObject({ status: 0, stderr: '' });
    expect(asked.stdout).toBe(
      ['METRIC       queue  VALUE', 'queue_depth  mail      30', 'queue_depth  print    130', ''].join('\n'),
    );
  });

  it('asks a server elsewhere with a token', async () => {
    const env = { OMOI_TOKEN: server.viewerToken };
    expect(await ask(['--url', server.url, 'sum(queue_depth)'], env)).toMatchObject({
      status: 0,
      stdout: 'VALUE\n  160\n',
    });
    const refused = await ask(['--url', server.url, '1'], { OMOI_TOKEN: 'weak' });
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain(`log in (omoi login ${server.url})`);
    expect(refused.stderr).toContain('(unauthenticated)');
  });

  it('draws a range', async () => {
    const range = ['--range', '1m', '--step', '15s', '--data-directory', server.directory];
    const { status, stdout } = await ask([...range, 'queue_depth']);
    expect(status).toBe(0);
    expect(stdout).toContain('└──');
    expect(stdout).toMatch(/● +0 +30 +30 {2}queue_depth\{queue="mail"\}/);
  });

  it('prints the answer as it came', async () => {
    const { stdout } = await ask(['--json', '--data-directory', server.directory, '1 + 1']);
    expect(JSON.parse(stdout)).toEqual({
      status: 'success',
      data: { resultType: 'scalar', result: [server.now, '2'] },
    });
  });

  it('says where a query is broken', async () => {
    const asked = await ask(['--data-directory', server.directory, 'sum(']);
    expect(asked).toMatchObject({ status: 1, stdout: '' });
    expect(asked.stderr).toBe(
      '  sum(\n      ^\nomoi: invalid parameter "query": 1:5: parse error: unclosed left parenthesis (query_invalid)\n' +
        `  ${server.url}/docs/errors#query_invalid\n`,
    );
  });
});
