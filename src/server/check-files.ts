import { parseRuleFiles } from '#alerting';
import { createEngine, parseMatcher } from '#promql';
import { createSystemClock, messageOf, paced, Stretch } from '#telemetry';
import { PolicyRegistry } from '#watchdog';
import { changedInPolicy } from './changed-meanings.ts';
import { attemptsThatWait } from './attempts-that-wait.ts';
import type { Finding } from './check-installation.ts';
import type { Config } from './config/schema.ts';
import { readPolicyFiles, readRuleFiles, watchedSeries } from './parts.ts';
import { strangerTriggers, triggerText, type StrangerTrigger } from './stranger-triggers.ts';

/** What a start would refuse or warn of in rules, policies and selectors: every mistake of each kind. Changes nothing. */
export async function checkFiles(config: Config): Promise<readonly Finding[]> {
  const clock = createSystemClock();
  const engine = createEngine({ clock });
  /** Each answers with its warnings. */
  const checks: readonly (readonly [string, () => readonly string[] | Promise<readonly string[]>])[] = [
    [
      'alerting.rule_files',
      async () => {
        const files = parseRuleFiles(await readRuleFiles(config), (expr) => void engine.prepare(expr));
        return files.flatMap(({ name, warnings }) => warnings.map((warning) => `${name}: ${warning}`));
      },
    ],
    [
      'watchdog.policy_files',
      async () => {
        const sources = await readPolicyFiles(config);
        const policies = new PolicyRegistry(null, parseMatcher).parse(sources);
        return attemptsThatWait(config.fleet.pools, await paced(policies, new Stretch(clock)));
      },
    ],
    [
      'watchdog.policy_files',
      async () => {
        const triggers = await checkTriggers(config).catch(() => []); // What can't be read is named above.
        return triggers.filter(({ mode }) => mode === 'act').map(triggerText);
      },
    ],
    [
      'monitor',
      () => {
        watchedSeries(config);
        return [];
      },
    ],
  ];
  const findings: Finding[] = [];
  const { policy_files: own } = config.watchdog;
  for (const [key, check] of checks) {
    try {
      for (const message of await check()) findings.push({ severity: 'warning', key, message });
    } catch (thrown) {
      findings.push({ severity: 'error', key, message: messageOf(thrown) });
    }
  }
  // The shipped ones are of this version.
  if (own !== undefined) {
    const sources = await readPolicyFiles(config).catch(() => []);
    findings.push(...sources.flatMap(changedInPolicy));
  }
  return findings;
}

/**
 * The policies that somebody could set off who may send telemetry and nothing else. Changes nothing.
 * @throws OmoiError `rule_file_invalid`, `policy_file_invalid`, `config_invalid`
 */
export async function checkTriggers(config: Config): Promise<readonly StrangerTrigger[]> {
  const clock = createSystemClock();
  const engine = createEngine({ clock });
  const policies = new PolicyRegistry(config.watchdog.mode ?? null, parseMatcher);
  return strangerTriggers({
    files: parseRuleFiles(await readRuleFiles(config), (expr) => void engine.prepare(expr)),
    policies: await paced(policies.parse(await readPolicyFiles(config)), new Stretch(clock)),
    selectorsOf: (expr) => engine.prepare(expr).selectors.map(({ matchers }) => matchers),
    watch: watchedSeries(config).watch ?? [],
  });
}
