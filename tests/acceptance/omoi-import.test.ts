import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';

// What a shop has today, and what it has a minute later.

const data = dataDirectory();
const file = (name: string): string => join(data.path, name);
const output = file('omoi.yaml');
const named = [file('prometheus.yml'), file('alertmanager.yml')];

beforeAll(() => {
  mkdirSync(file('rules'));
  writeFileSync(
    file('prometheus.yml'),
    'global: {evaluation_interval: 20s, external_labels: {cluster: eu}}\nrule_files: ["rules/*.yml"]\n',
  );
  writeFileSync(
    file('rules/web.yml'),
    'groups: [{name: web, rules: [{alert: WebDown, expr: "limitk(1, up) == 0", labels: {severity: error}}]}]\n',
  );
  writeFileSync(
    file('alertmanager.yml'),
    'route: {receiver: web-team}\nreceivers: [{name: web-team, webhook_configs: [{url: "http://127.0.0.1:9/x"}]}]\n',
  );
});
afterAll(() => data.remove());

it('only tells with --dry-run', async () => {
  const { status, stdout } = await omoi(['import', ...named, '-o', output, '--dry-run']);
  expect([status, existsSync(output)]).toEqual([0, false]);
  expect(stdout).toMatch(
    /^ {2}runs +1:10 {2}global\.evaluation_interval: becomes alerting\.evaluation_interval$/m,
  );
});

it('writes nothing where something is broken, and what is left with --skip-broken', async () => {
  const broken = file('broken.yml');
  writeFileSync(broken, 'groups: [{name: a, rules: [{alert: A, expr: "up =="}]}]\n');
  const refused = await omoi(['import', broken, ...named, '-o', output]);
  expect([refused.status, existsSync(output)]).toEqual([1, false]);
  expect(refused.stdout).toMatch(/^ {2}REFUSED {2}1:\d+ .*could not parse expression/m);
  const rest = await omoi(['import', broken, ...named, '-o', '-', '--skip-broken']);
  expect([rest.status, rest.stdout]).toEqual([0, expect.stringContaining('rules/web.yml')]);
  expect(rest.stdout).not.toContain('broken.yml');
  expect(rest.stderr).toContain('REFUSED');
});

it('says where it can not write, and leaves nothing behind', async () => {
  const { status, stderr } = await omoi(['import', ...named, '-o', file('none/omoi.yaml')]);
  expect([status, stderr]).toEqual([2, expect.stringContaining("none/omoi.yaml can't be written")]);
  const onFolder = await omoi(['import', ...named, '-o', file('rules'), '--force']);
  expect([onFolder.status, readdirSync(data.path).filter((name) => name.endsWith('.new'))]).toEqual([2, []]);
});

it('writes a configuration with which a server has the rules and the routing in force', async () => {
  const written = await omoi(['import', ...named, '-o', output, '--exactly-as-prometheus']);
  expect([written.status, written.stdout]).toEqual([0, expect.stringContaining(`written: ${output}`)]);
  const again = await omoi(['import', ...named, '-o', output]);
  expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('is there already')]);
  expect((await omoi(['import', ...named, '-o', output, '--force', '--json'])).status).toBe(0);
  expect(readFileSync(output, 'utf8')).toContain('promql-experimental-functions');

  const server = await OmoiServer.start(file('data'), { configFile: output });
  try {
    const admin = new Client(() => server.url, server.adminToken);
    const rules = JSON.stringify(await admin.read('/prometheus/api/v1/rules'));
    expect(rules).toMatch(/"name":"WebDown".*/);
    expect(rules).toContain('"interval":20');
    const routes = await admin.read<{ routes: readonly { receiver: string }[] }>('/api/v1/alerts/routing');
    expect(routes.routes.map(({ receiver }) => receiver)).toEqual(['web-team']);
  } finally {
    await server.stop();
  }
});
