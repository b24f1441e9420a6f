import { parseRuleFiles } from '#alerting';
import { createEngine, parseMatcher } from '#promql';
import { createSystemClock, messageOf, paced, Stretch } from '#telemetry';
import { PolicyRegistry } from '#watchdog';
import type { Finding } from './check-installation.ts';
import type { Config } from './config/schema.ts';
import { readPolicyFiles, readRuleFiles, watchedSeries } from './parts.ts';

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
        await paced(new PolicyRegistry(null, parseMatcher).parse(sources), new Stretch(clock));
        return [];
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
  for (const [key, check] of checks) {
    try {
      for (const message of await check()) findings.push({ severity: 'warning', key, message });
    } catch (thrown) {
      findings.push({ severity: 'error', key, message: messageOf(thrown) });
    }
  }
  return findings;
}
