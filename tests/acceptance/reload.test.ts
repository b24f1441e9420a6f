import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from './support/client.ts';
import { dataDirectory, omoi, OmoiServer } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const rule = (name: string, severity: string, expr = 'vector(1)'): string =>
  [`      - alert: ${name}`, `        expr: ${expr}`, `        labels: { severity: ${severity} }`].join('\n');
const ruleFile = (...rules: readonly string[]): string =>
  ['groups:', '  - name: house', '    rules:', ...rules, ''].join('\n');
const policyFile = (name: string, cooldown: string): string =>
  [
    `name: ${name}`,
    `match: ['alertname="Kept"']`,
    'mode: observe',
    'target: { kind: agent, label: agent_id }',
    'steps:',
    '  - action: restart',
    '    verify: { within: 30s }',
    `guards: { cooldown: ${cooldown} }`,
    '',
  ].join('\n');

const data = dataDirectory();
const files = join(data.path, 'files');
const rules = join(files, 'rules.yaml');
const configuration = join(files, 'omoi.yaml');
const policy = join(files, 'policies/one.yaml');
let server: OmoiServer;
let admin: Client;

beforeAll(async () => {
  mkdirSync(join(files, 'policies'), { recursive: true });
  writeFileSync(
    rules,
    ruleFile(rule('Kept', 'warning'), rule('Changed', 'warning'), rule('Removed', 'info')),
  );
  writeFileSync(policy, policyFile('one', '30s'));
  writeFileSync(configuration, 'alerting: { disable: ["*"] }\nwatchdog: { disable: ["*"] }\n');
  server = await OmoiServer.start(data.path, {
    env: {
      // Here a reload is what is asked for.
      OMOI_RELOAD_ON_CHANGE: 'false',
      OMOI_ALERTING_RULE_FILES: JSON.stringify([rules]),
      OMOI_WATCHDOG_POLICY_FILES: JSON.stringify([join(files, 'policies')]),
    },
    configFile: configuration,
  });
  admin = new Client(() => server.url, server.adminToken);
});

afterAll(async () => {
  await server.stop();
  data.remove();
});

interface Alert {
  readonly id: string;
  readonly rule_id: string;
  readonly state: string;
  readonly cause: string | null;
}

/** Every episode there ever was, `rule state cause` by its id. */
async function episodes(): Promise<Readonly<Record<string, string>>> {
  const { alerts } = await admin.read<{ alerts: Alert[] }>('/api/v1/alerts');
  return Object.fromEntries(
    alerts.map(({ id, rule_id: of, state, cause }) => [id, `${of} ${state} ${cause}`]),
  );
}

async function whenEpisodesAre(expected: readonly string[]): Promise<Readonly<Record<string, string>>> {
  return until(
    async () => {
      const found = await episodes();
      return JSON.stringify(Object.values(found).sort()) === JSON.stringify([...expected].sort()) && found;
    },
    `the alerts are ${expected.join(', ')}`,
  );
}

/** The expression of each rule and the cooldown of each policy, by their names. */
async function active(): Promise<{ readonly rules: object; readonly policies: object }> {
  const { groups } = await admin.read<{ groups: { rules: { name: string; expr: string }[] }[] }>(
    '/api/v1/alerts/rules',
  );
  const { policies } = await admin.read<{
    policies: { name: string; guards: { cooldown_ms: number } }[];
  }>('/api/v1/watchdog/policies');
  return {
    rules: Object.fromEntries(groups.flatMap((group) => group.rules.map(({ name, expr }) => [name, expr]))),
    policies: Object.fromEntries(policies.map(({ name, guards }) => [name, guards.cooldown_ms])),
  };
}

/** Sends SIGHUP and waits until the server says what it does not take. */
async function refusal(): Promise<string> {
  const from = server.stderr.length;
  server.child.kill('SIGHUP');
  return until(
    () => /omoi: not reloaded: [^]*\n/.exec(server.stderr.slice(from))?.[0] ?? null,
    'the server says what it does not take',
  );
}

describe('omoi reload', () => {
  const config = (...lines: readonly string[]): void =>
    writeFileSync(configuration, [`data_directory: ${data.path}`, ...lines, ''].join('\n'));
  const reload = () => omoi(['reload', '--data-directory', data.path]);
  const names = async () => {
    const found = await active();
    return [...Object.keys(found.rules), ...Object.keys(found.policies)];
  };
  const runtimeInfo = async () =>
    (await admin.read<{ data: object }>('/prometheus/api/v1/status/runtimeinfo')).data;
  const metric = async (name: string) =>
    new RegExp(`^${name} (\\S+)$`, 'm').exec((await admin.call('/metrics')).text)?.[1];

  it('takes over which shipped ones are switched off, and names what counts after a restart alone', async () => {
    config('alerting: { disable: [AgentFailed] }', 'watchdog: { disable: [scale_on_queue_depth] }');
    expect(await reload()).toMatchObject({ status: 0, stdout: expect.stringContaining('in force: ') });
    const one = await names();
    expect(one).toEqual(expect.arrayContaining(['Kept', 'AgentUnresponsive', 'one']));
    expect(one).not.toEqual(expect.arrayContaining(['AgentFailed']));
    expect(one).not.toEqual(expect.arrayContaining(['scale_on_queue_depth']));

    config('alerting: { disable: [AgentUnresponsive] }', 'retention: { logs: 3d }');
    const { status, stdout } = await reload();
    expect([status, stdout]).toEqual([0, expect.stringContaining('needs a restart: retention.logs\n')]);
    const other = await names();
    expect(other).toEqual(expect.arrayContaining(['AgentFailed', 'scale_on_queue_depth']));
    expect(other).not.toEqual(expect.arrayContaining(['AgentUnresponsive']));
    const { warnings } = await admin.read<{ warnings: object[] }>('/api/v1/overview');
    expect(warnings).toContainEqual(expect.objectContaining({ key: 'retention.logs' }));
  });

  it('refuses a configuration with a mistake, or that is gone, and tells those who watch reloads', async () => {
    const before = await names();
    const { lastConfigTime } = (await runtimeInfo()) as { lastConfigTime?: string };
    for (const [spoil, told] of [
      [() => config('alerting: { disable: [AgentFaild] }'), 'did you mean "AgentFailed"?'],
      [() => rmSync(configuration), 'there is no such file'],
    ] as const) {
      spoil();
      expect(await reload()).toMatchObject({ status: 1, stderr: expect.stringContaining(told) });
      expect(await runtimeInfo()).toMatchObject({ reloadConfigSuccess: false, lastConfigTime });
      expect(await metric('omoi_config_last_reload_successful')).toBe('0');
    }
    expect(await names()).toEqual(before);
    config('alerting: { disable: ["*"] }', 'watchdog: { disable: ["*"] }');
    expect((await reload()).status).toBe(0);
    expect(await metric('omoi_config_last_reload_successful')).toBe('1');
    const now = (await runtimeInfo()) as { lastConfigTime: string };
    expect(now).toMatchObject({ reloadConfigSuccess: true });
    expect(Date.parse(now.lastConfigTime)).toBeGreaterThan(Date.parse(lastConfigTime ?? ''));
    const seconds = Number(await metric('omoi_config_last_reload_success_timestamp_seconds'));
    expect(Math.round(seconds * 1000)).toBe(Date.parse(now.lastConfigTime));
  });
});

it('a server that nobody works for yet is healthy to omoi doctor', async () => {
  const { stdout } = await omoi(['doctor', '--data-directory', data.path]);
  expect(stdout).toMatch(
    /^ok +telemetry +there is no agent yet; omoi run --pool mine -- COMMAND makes one$/m,
  );
});

describe('SIGHUP', () => {
  it('takes over what has changed in the files, and alerts go on as the same episodes', async () => {
    const before = await whenEpisodesAre([
      'house/Kept firing null',
      'house/Changed firing null',
      'house/Removed firing null',
    ]);
    writeFileSync(
      rules,
      ruleFile(rule('Kept', 'warning'), rule('Changed', 'warning', 'vector(2)'), rule('New', 'info')),
    );
    writeFileSync(policy, policyFile('one', '45s'));
    writeFileSync(join(files, 'policies/two.yaml'), policyFile('two', '1m'));
    server.child.kill('SIGHUP');
    const after = await whenEpisodesAre([
      'house/Kept firing null',
      'house/Changed firing null',
      'house/Removed resolved manual',
      'house/New firing null',
    ]);
    expect(Object.keys(after)).toEqual(expect.arrayContaining(Object.keys(before)));
    const policies = await until(async () => {
      const found = (await active()).policies;
      return 'two' in found && found;
    }, 'the new policy is there');
    expect(policies).toEqual({ one: 45_000, two: 60_000 });
    expect((await active()).rules).toEqual({ Kept: 'vector(1)', Changed: 'vector(2)', New: 'vector(1)' });
  });

  it.each([
    [
      'rule file',
      rules,
      ruleFile(rule('Kept', 'warning'), rule('Broken', 'info', 'up ==')),
      /rules\.yaml:8\b/,
    ],
    ['policy', policy, policyFile('one', '1h').replace('guards:', 'guardz:'), /one\.yaml:8\b.*guards/s],
  ])('refuses a broken %s by its name and line, and the old ones stay', async (_, path, text, told) => {
    const before = [await active(), await episodes()];
    const good = readFileSync(path, 'utf8');
    writeFileSync(path, text);
    expect(await refusal()).toMatch(told);
    expect([await active(), await episodes()]).toEqual(before);
    writeFileSync(path, good);
  });

  it('takes no rule over where a policy is broken, and says in the log how it went', async () => {
    const before = await active();
    const since = new Date().toISOString();
    const [goodRules, goodPolicy] = [readFileSync(rules, 'utf8'), readFileSync(policy, 'utf8')];
    writeFileSync(rules, ruleFile(rule('Kept', 'warning', 'vector(3)')));
    writeFileSync(policy, policyFile('one', '1h').replace('guards:', 'guardz:'));
    expect(await refusal()).toMatch(/guards/);
    expect(await active()).toEqual(before);
    writeFileSync(rules, goodRules);
    writeFileSync(policy, goodPolicy);
    server.child.kill('SIGHUP');
    const told = await until(async () => {
      const { lines } = await admin.read<{ lines: { message: string; fields: object }[] }>(
        `/api/v1/observability/logs?component=server&text=reloaded&from=${encodeURIComponent(since)}`,
      );
      // Both are written some time after they have happened.
      const [done, refused] = lines;
      const isTold =
        done?.message === 'Rules and policies reloaded' &&
        refused?.message === 'Rules and policies not reloaded: the old ones stay in force';
      return isTold && lines;
    }, 'the log says that it was refused, and then done');
    expect(told[0]?.fields).toMatchObject({ rules: 3, changed: 0, policies: 2 });
  });
});
