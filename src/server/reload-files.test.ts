import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StateDatabase } from '#storage';
import { OmoiError, SelfMetrics, silentLogger } from '#telemetry';
import { openStage as openRuleStage, type Stage as RuleStage } from '../alerting/alerting.test-support.ts';
import { becomesInTime, openStage, RESTART, stateOf, type Stage } from '../watchdog/watchdog.test-support.ts';
import { ConfigInForce } from './config-in-force.ts';
import { configSchema, type Config } from './config/schema.ts';
import { reloadFiles } from './reload-files.ts';
import { firstWarnings } from './routing.ts';

let directory: string;
let config: Config;
/** What the configuration file says. */
let onDisk: Config | OmoiError;
let configInForce: ConfigInForce;
let metrics: SelfMetrics;
const clock = { wallMs: () => nowMs };
let nowMs: number;
let rules: RuleStage;
let watchdog: Stage;
/** Whether the watchdog’s database fails. */
let isDown: boolean;

const ruleFile = (threshold: number) =>
  `groups: [{name: g, rules: [{alert: High, expr: queue > ${threshold}}]}]\n`;
const policyFile = (cooldown: string) => RESTART.replace(/cooldown: \w+/, `cooldown: ${cooldown}`);

function write(rule: string, policy: string): void {
  writeFileSync(join(directory, 'rules.yaml'), rule);
  writeFileSync(join(directory, 'policy.yaml'), policy);
}

/** What is in force: the rule's expression, and the cooldown of the policy. */
function inForce(): readonly unknown[] {
  const [rule] = rules.alerting.rules.states.values();
  const [policy] = watchdog.watchdog.policies.list();
  return [rule?.definition.rule.expr, policy?.guards.cooldown];
}

/** The routing files that are in force, and what is wrong with the next one. */
let routing: { taken: (string | undefined)[]; problem: OmoiError | null; warnings: readonly string[] };

const reload = () =>
  reloadFiles(configInForce, {
    alerting: rules.alerting,
    watchdog: watchdog.watchdog,
    logger: silentLogger,
    whileStill: (_config, read) => read(),
    prepareRouting({ notification: { config_file: file } }) {
      if (routing.problem) return Promise.reject(routing.problem);
      const takeOver = () => Promise.resolve(void routing.taken.push(file));
      return Promise.resolve({ warnings: routing.warnings, takeOver });
    },
  });

function failing(database: StateDatabase): StateDatabase {
  const check = (): void => {
    if (isDown) throw new OmoiError('database_failed', 'down');
  };
  return {
    ...database,
    get reader() {
      check();
      return database.reader;
    },
    async transaction(work, options) {
      check();
      return database.transaction(work, options);
    },
  };
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-reload-'));
  config = configSchema.parse({
    alerting: { rule_files: [join(directory, 'rules.yaml')], disable: ['*'] },
    watchdog: { policy_files: [join(directory, 'policy.yaml')], disable: ['*'] },
  });
  onDisk = config;
  nowMs = 1000;
  metrics = new SelfMetrics();
  const read = (): Config => {
    if (onDisk instanceof OmoiError) throw onDisk;
    return onDisk;
  };
  configInForce = new ConfigInForce({ started: config, read, clock, metrics });
  isDown = false;
  routing = { taken: [], problem: null, warnings: [] };
  write(ruleFile(30), policyFile('1m'));
  rules = await openRuleStage(ruleFile(30));
  watchdog = await openStage([policyFile('1m')], {}, failing);
  expect(inForce()).toEqual(['queue > 30', 60_000]);
});

afterEach(async () => {
  rmSync(directory, { recursive: true });
  await rules.close();
  await watchdog.close();
});

it('a reload takes rules, routing and policies over together', async () => {
  write(ruleFile(40), policyFile('2m'));
  onDisk = { ...config, notification: { config_file: 'alertmanager.yml' } };
  expect(await reload()).toEqual({
    rules: 1,
    changed: 1,
    removed: 0,
    policies: 1,
    warnings: [],
    needs_restart: [],
  });
  expect(inForce()).toEqual(['queue > 40', 120_000]);
  expect(routing.taken).toEqual(['alertmanager.yml']);
});

it('what the routing is warned of is in the answer', async () => {
  routing.warnings = ['am.yml:3:4: the proxy has the scheme socks5'];
  expect((await reload()).warnings).toEqual(routing.warnings);
  const many = Array.from({ length: 21 }, (_, at) => `am.yml:${at}:1: a`);
  expect(firstWarnings({ warnings: many.slice(1) })).toEqual(many.slice(1));
  expect(firstWarnings({ warnings: many })).toEqual([
    ...many.slice(0, 20),
    'and 1 more: `omoi check` names all of them',
  ]);
});

it.each<[string, () => void, string]>([
  ['a rule is broken', () => write('groups: 7\n', policyFile('2m')), 'rule_file_invalid'],
  ['a policy is broken', () => write(ruleFile(40), 'name: 7\n'), 'policy_file_invalid'],
  [
    'a file is gone',
    () => {
      write(ruleFile(40), policyFile('2m'));
      rmSync(join(directory, 'policy.yaml'));
    },
    'policy_file_invalid',
  ],
  [
    'the configuration is broken',
    () => {
      write(ruleFile(40), policyFile('2m'));
      onDisk = new OmoiError('config_invalid', 'omoi.yaml:1:1: unknown key "htp"');
    },
    'config_invalid',
  ],
  [
    'the routing is broken',
    () => {
      write(ruleFile(40), policyFile('2m'));
      routing.problem = new OmoiError('routing_invalid', 'alertmanager.yml:1:1: no route');
    },
    'routing_invalid',
  ],
  [
    'what the policies need cannot be read',
    () => {
      write(ruleFile(40), policyFile('2m'));
      isDown = true;
    },
    'database_failed',
  ],
  [
    'the rules cannot be registered',
    () => {
      write(ruleFile(40), policyFile('2m'));
      rules.faults.push('lost');
    },
    'database_failed',
  ],
])('where %s the old ones stay in force, both', async (_what, prepare, code) => {
  prepare();
  await expect(reload()).rejects.toMatchObject({ code });
  expect(inForce()).toEqual(['queue > 30', 60_000]);
  expect(routing.taken).toEqual([]);
  expect(configInForce.isLastReloadSuccessful).toBe(false);
  const [warning] = configInForce.warnings();
  expect(warning?.message).toMatch(
    /^the last reload was refused: .+; what was taken over at 1970-01-01T00:00:01\.000Z is in force$/,
  );
  onDisk = config;
  isDown = false;
  routing.problem = null;
  rules.faults.length = 0;
  write(ruleFile(40), policyFile('2m'));
  await reload();
  expect(configInForce.warnings()).toEqual([]);
});

it('where the database fails once they are in force the reload is done, and alerts are looked at again later', async () => {
  watchdog.fleet.addAgent('w-1');
  await watchdog.alerts.raise('a1', { alertname: 'Other', agent_id: 'w-1' });
  write(ruleFile(40), policyFile('2m').replace('alertname="Silent"', 'alertname="Other"'));
  rules.observer.pause = async () => {
    isDown = true;
  };
  await reload();
  expect(inForce()).toEqual(['queue > 40', 120_000]);
  isDown = false;
  expect(await stateOf(watchdog, 'a1')).toBe('none');
  await becomesInTime(watchdog, 'a1', 'verifying');
});

it('which shipped ones are switched off, and which files are read, is taken over; all else is named', async () => {
  const other = join(directory, 'other.yaml');
  writeFileSync(other, ruleFile(50).replace('High', 'Higher'));
  onDisk = configSchema.parse({
    http: { port: 4700 },
    alerting: {
      rule_files: [...config.alerting.rule_files, other],
      disable: ['*'],
      external_labels: { site: 'b' },
      groups: { g: { evaluate: 'interval' } },
    },
    watchdog: { policy_files: [], disable: ['restart_failed_agent'], mode: 'act' },
  });
  const reloaded = await reload();
  expect(reloaded.rules).toBe(2);
  const policies = watchdog.watchdog.policies.list().map(({ name }) => name);
  expect(policies).toContain('restart_unresponsive_agent');
  expect(policies).not.toContain('restart_failed_agent');
  const keys = ['http.port', 'alerting.external_labels', 'alerting.groups', 'watchdog.mode'];
  expect(reloaded.needs_restart).toEqual(keys);
  expect(configInForce.warnings().map(({ key }) => key)).toEqual(keys);
  expect(configInForce.current).toMatchObject({
    http: { port: 4600 },
    watchdog: { disable: ['restart_failed_agent'] },
  });

  onDisk = config;
  expect((await reload()).needs_restart).toEqual([]);
  expect(configInForce.warnings()).toEqual([]);
});

it('how the last reload went, and when one was last taken over, are metrics', async () => {
  const read = () =>
    Object.fromEntries(metrics.collect().map(({ name, points }) => [name, points[0]?.value] as const));
  const metricsAre = (successful: number, seconds: number) =>
    expect(read()).toEqual({
      omoi_config_last_reload_successful: successful,
      omoi_config_last_reload_success_timestamp_seconds: seconds,
    });
  metricsAre(1, 1);
  nowMs = 2000;
  onDisk = new OmoiError('config_invalid', 'broken');
  await expect(reload()).rejects.toThrow();
  metricsAre(0, 1);
  nowMs = 3000;
  onDisk = config;
  await reload();
  metricsAre(1, 3);
});
