import { parseRuleFiles } from '#alerting';
import { createEngine, parseMatcher } from '#promql';
import { createSystemClock, messageOf, paced, Stretch } from '#telemetry';
import { PolicyRegistry } from '#watchdog';
import type { Finding } from './check-installation.ts';
import type { Config } from './config/schema.ts';
import { readPolicyFiles, readRuleFiles, watchedSeries } from './parts.ts';

/** What a start would refuse in rules, policies and selectors: every mistake of each kind. Changes nothing. */
export async function checkFiles(config: Config): Promise<readonly Finding[]> {
  const clock = createSystemClock();
  const engine = createEngine({ clock });
  const checks: readonly (readonly [string, () => unknown])[] = [
    [
      'alerting.rule_files',
      async () => parseRuleFiles(await readRuleFiles(config), (expr) => void engine.prepare(expr)),
    ],
    [
      'watchdog.policy_files',
      async () =>
        paced(
          new PolicyRegistry(null, parseMatcher).parse(await readPolicyFiles(config)),
          new Stretch(clock),
        ),
    ],
    ['monitor', () => watchedSeries(config)],
  ];
  const findings: Finding[] = [];
  for (const [key, check] of checks) {
    try {
      await check();
    } catch (thrown) {
      findings.push({ severity: 'error', key, message: messageOf(thrown) });
    }
  }
  return findings;
}
