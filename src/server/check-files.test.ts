import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkFiles } from './check-files.ts';
import { configSchema } from './config/schema.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'omoi-check-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function findings(config: object): Promise<readonly string[]> {
  const found = await checkFiles(configSchema.parse(config));
  return found.map(({ severity, key, message }) => `${severity} ${key}: ${message}`);
}

describe('a check of rules, policies and selectors', () => {
  it('has nothing to say of the shipped ones', async () => {
    expect(await findings({})).toEqual([]);
  });

  it('warns of two rules of the same name and labels', async () => {
    const twice = 'groups: [{name: g, rules: [{alert: A, expr: "up"}, {alert: A, expr: "up"}]}]';
    expect(await findings({ alerting: { rule_files: [file('twice.yaml', twice)] } })).toEqual([
      expect.stringMatching(/^warning alerting.rule_files: .*twice.yaml: duplicate rule/),
    ]);
  });

  it('warns of attempts that last as long as a pool allows, and not as long as the policy says', async () => {
    const pool = (id: string, more: object) => ({ id, command: ['run'], desired: 1, max: 1, ...more });
    const pools = [
      pool('usual', {}),
      pool('slow', { start_within: '5m' }),
      pool('patient', { grace: '10m' }),
    ];
    expect(await findings({ fleet: { pools } })).toEqual([
      expect.stringMatching(
        /^warning watchdog.policy_files: pool slow: its agents may take 5m to start \(start_within\), so that an attempt of restart_failed_agent, .* within 30s: the guardian is told later$/,
      ),
      expect.stringMatching(/pool patient: its agents may take 10m to finish \(grace\)/),
    ]);
  });

  it('names what a start would refuse, each kind beside the others', async () => {
    const found = await findings({
      alerting: {
        rule_files: [file('rules.yaml', 'groups: [{name: g, rules: [{alert: A, expr: "sum("}]}]')],
      },
      watchdog: { policy_files: [file('policy.yaml', 'nam: x')] },
      monitor: { watch: ['{job=~".*"}'] },
    });
    expect(found).toEqual([
      expect.stringMatching(/^error alerting.rule_files: .*rules.yaml.*unclosed left parenthesis/),
      expect.stringMatching(/^error watchdog.policy_files: .*policy.yaml.*"nam"/s),
      expect.stringMatching(/^error monitor: monitor.watch: .*is matched by every series/),
    ]);
  });

  it('names a policy that no rule can trigger, with the line of its matchers', async () => {
    const text = `name: mine\nmode: observe\nmatch: ['alertname="AgentFaild"']\ntarget: { kind: agent }\nsteps: [{ action: restart }]\n`;
    const own = file('mine.yaml', text);
    const config = { alerting: { disable: ['HighQueueDepth'] }, watchdog: { policy_files: [own] } };
    expect(await findings(config)).toEqual([
      expect.stringMatching(
        /^warning watchdog.policy_files: .*scale_on_queue_depth.yaml:3:1: policy scale_on_queue_depth: .* switched off/,
      ),
      `warning watchdog.policy_files: ${own}:3:1: policy mine: no rule can trigger it: none is called "AgentFaild"; did you mean "AgentFailed"?`,
    ]);
  });

  it('names the mistakes of the routing of alerts, and what is hardly meant in it', async () => {
    const broken = file('broken.yml', 'route: { receiver: team }\nreceivers: [{ name: people }]\n');
    expect(await findings({ notification: { config_file: broken } })).toEqual([
      expect.stringMatching(/^error notification.config_file: .*broken.yml:1:\d+: .*team/),
    ]);
    const unbuilt = file(
      'unbuilt.yml',
      'route: { receiver: team }\nreceivers: [{ name: team, sns_configs: [{ topic_arn: arn }] }]\n',
    );
    expect(await findings({ notification: { config_file: unbuilt } })).toEqual([
      expect.stringMatching(/^warning notification.config_file: .*unbuilt.yml:2:\d+: .*sns/),
    ]);
    const good = file('good.yml', 'route: { receiver: team }\nreceivers: [{ name: team }]\n');
    expect(await findings({ notification: { config_file: good } })).toEqual([]);
  });

  it('names a path that leads nowhere', async () => {
    expect(await findings({ alerting: { rule_files: [join(folder, 'gone')] } })).toEqual([
      expect.stringMatching(/^error alerting.rule_files: .*gone: ENOENT/),
    ]);
  });
});
