import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const ruleFile = (...names: readonly string[]): string =>
  [
    'groups:',
    '  - name: house',
    '    rules:',
    ...names.map((name) => `      - { alert: ${name}, expr: vector(1), labels: { severity: warning } }`),
    '',
  ].join('\n');

const data = dataDirectory();
const files = join(data.path, 'files');
const rules = join(files, 'rules.yaml');
const configuration = join(files, 'omoi.yaml');
let server: OmoiServer;
let admin: Client;

/** A folder of rules as Kubernetes mounts a ConfigMap: a link to a folder that is replaced whole. */
function mountVersion(version: string, ...names: readonly string[]): void {
  mkdirSync(join(files, version));
  writeFileSync(join(files, version, 'mounted.yaml'), ruleFile(...names));
  symlinkSync(version, join(files, '..next'));
  renameSync(join(files, '..next'), join(files, 'mounted'));
}

const configurationOf = (...ruleFiles: readonly string[]): string =>
  `alerting: { disable: ["*"], rule_files: ${JSON.stringify(ruleFiles)} }\nwatchdog: { disable: ["*"] }\nreload: { settle: 300ms }\n`;

beforeAll(async () => {
  mkdirSync(files, { recursive: true });
  mountVersion('v1', 'Mounted');
  writeFileSync(rules, ruleFile('First'));
  writeFileSync(configuration, configurationOf(rules, join(files, 'mounted')));
  server = await OmoiServer.start(data.path, { env: {}, configFile: configuration });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop();
  data.remove();
});

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly name: string }[] }[];
}

async function whenRulesAre(...expected: readonly string[]): Promise<void> {
  await until(
    async () => {
      const { groups } = await admin.read<Rules>('/api/v1/alerts/rules');
      const names = groups.flatMap((group) => group.rules.map(({ name }) => name));
      return names.join() === expected.join();
    },
    `the rules are ${expected.join(', ')}`,
  );
}

async function warnings(): Promise<readonly string[]> {
  const { warnings: all } = await admin.read<{ warnings: { message: string }[] }>('/api/v1/overview');
  return all.map(({ message }) => message);
}

describe('files that change are taken over without being asked', () => {
  it('one that is written in place, and what fires goes on as the same episode', async () => {
    await whenRulesAre('First', 'Mounted');
    const firing = () =>
      admin.read<{ alerts: { id: string; rule_id: string }[] }>('/api/v1/alerts?state=firing');
    await until(async () => (await firing()).alerts.length === 2, 'both fire');
    const idOf = async (rule: string) => (await firing()).alerts.find(({ rule_id: of }) => of === rule)?.id;
    const before = await idOf('house/First');
    writeFileSync(rules, ruleFile('First', 'Second'));
    await whenRulesAre('First', 'Second', 'Mounted');
    await until(async () => (await firing()).alerts.length === 3, 'all three fire');
    expect(await idOf('house/First')).toBe(before);
  });

  it('one that an editor has replaced', async () => {
    writeFileSync(`${rules}~`, ruleFile('First', 'Third'));
    renameSync(`${rules}~`, rules);
    await whenRulesAre('First', 'Third', 'Mounted');
  });

  it('a folder that is swapped whole', async () => {
    mountVersion('v2', 'Mounted', 'MountedToo');
    await whenRulesAre('First', 'Third', 'Mounted', 'MountedToo');
  });

  it('a broken one changes nothing and is said until it is whole again', async () => {
    writeFileSync(rules, 'groups: [{ name: house, rules: [{ alert: Broken, expr: "sum(" }] }]\n');
    await until(
      async () => (await warnings()).some((text) => text.includes('rules.yaml:1:')),
      'the warning names file and line',
    );
    await whenRulesAre('First', 'Third', 'Mounted', 'MountedToo');
    rmSync(rules);
    await until(
      async () => (await warnings()).some((text) => text.includes('ENOENT')),
      'the warning says that the file is not there',
    );
    await whenRulesAre('First', 'Third', 'Mounted', 'MountedToo');
    writeFileSync(rules, ruleFile('Again'));
    await whenRulesAre('Again', 'Mounted', 'MountedToo');
    // The rules change in one turn; that the reload has gone well is said when all of it is done.
    await until(
      async () => !(await warnings()).some((text) => text.includes('reload')),
      'the warning is gone',
    );
  });

  it('the configuration itself: which files there are', async () => {
    writeFileSync(join(files, 'more.yaml'), ruleFile('More'));
    writeFileSync(configuration, configurationOf(join(files, 'more.yaml')));
    await whenRulesAre('More');
    writeFileSync(join(files, 'more.yaml'), ruleFile('More', 'Most'));
    await whenRulesAre('More', 'Most');
  });
});
