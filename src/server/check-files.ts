import { parseRuleFiles } from '#alerting';
import { createEngine, parseMatcher, type Engine } from '#promql';
import {
  createSystemClock,
  messageOf,
  paced,
  placeIn,
  Stretch,
  unpaced,
  type DocumentSource,
} from '#telemetry';
import { PolicyRegistry, type Policy } from '#watchdog';
import { changedInPolicy } from './changed-meanings.ts';
import { attemptsThatWait } from './attempts-that-wait.ts';
import type { Finding } from './check-installation.ts';
import type { Config } from './config/schema.ts';
import { inForceWarnings, type GroupsInForce } from './in-force-warnings.ts';
import { readPolicyFiles, readRuleFiles, watchedSeries } from './parts.ts';
import { machineFiles } from './receiver-network.ts';
import { readRouting, routingWarnings } from './routing.ts';
import { alertsOf, strangerTriggers, triggerText, type StrangerTrigger } from './stranger-triggers.ts';

type RuleFiles = ReturnType<typeof parseRuleFiles>;

interface ReadPolicies {
  readonly sources: readonly DocumentSource[];
  readonly policies: readonly Policy[];
}

interface CheckOptions {
  readonly isStrict?: boolean;
  /** Where receivers look for proxies; nowhere where absent. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * What a start would refuse or warn of in rules, policies, routing and selectors, and of what they are together: every mistake of
 * each kind. Changes nothing.
 */
export async function checkFiles(
  config: Config,
  { isStrict = false, environment = {} }: CheckOptions = {},
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const reading = async <Read>(key: string, read: () => Read | Promise<Read>): Promise<Read | null> => {
    try {
      return await read();
    } catch (thrown) {
      findings.push({ severity: 'error', key, message: messageOf(thrown) });
      return null;
    }
  };
  const files = await reading('alerting.rule_files', () => readRules(config));
  const read = await reading('watchdog.policy_files', () => readPolicies(config));
  const watched = await reading('monitor', () => watchedSeries(config));
  const routing = await reading('notification.config_file', () =>
    readRouting(config, { files: machineFiles, environment, isStrict }),
  );
  if (files) findings.push(...duplicateRules(files));
  if (read) findings.push(...checkPolicies(read, config));
  if (routing)
    findings.push(...routingWarnings(routing).map((one): Finding => ({ severity: 'warning', ...one })));
  if (files && read) findings.push(...checkTogether(files, read, config));
  if (files && read && watched) {
    const triggers = triggersOf(files, read.policies, { ...watched, promql: config.promql }).filter(
      ({ mode }) => mode === 'act',
    );
    findings.push(...triggers.map((trigger) => aboutPolicies(triggerText(trigger))));
  }
  return findings;
}

/**
 * The policies that somebody could set off who may send telemetry and nothing else. Changes nothing.
 * @throws OmoiError `rule_file_invalid`, `policy_file_invalid`, `config_invalid`
 */
export async function checkTriggers(config: Config): Promise<readonly StrangerTrigger[]> {
  const { policies } = await readPolicies(config);
  return triggersOf(await readRules(config), policies, { ...watchedSeries(config), promql: config.promql });
}

function engineOf({ promql }: Pick<Config, 'promql'>): Engine {
  return createEngine({ clock: createSystemClock(), features: new Set(promql.features) });
}

async function readRules(config: Config): Promise<RuleFiles> {
  const engine = engineOf(config);
  return parseRuleFiles(await readRuleFiles(config), {
    checkExpression: (expr) => void engine.prepare(expr),
    maxRules: config.alerting.max_rules,
  });
}

async function readPolicies(config: Config): Promise<ReadPolicies> {
  const sources = await readPolicyFiles(config);
  const registry = new PolicyRegistry(config.watchdog.mode ?? null, parseMatcher);
  return { sources, policies: await paced(registry.parse(sources), new Stretch(createSystemClock())) };
}

function duplicateRules(files: RuleFiles): readonly Finding[] {
  return files.flatMap(({ name, warnings, duplicates }) =>
    [...warnings, ...duplicates].map((warning): Finding => {
      const message = `${name}: ${warning}`;
      return { severity: 'warning', key: 'alerting.rule_files', message };
    }),
  );
}

function aboutPolicies(message: string): Finding {
  return { severity: 'warning', key: 'watchdog.policy_files', message };
}

function checkPolicies({ sources, policies }: ReadPolicies, { fleet }: Config): readonly Finding[] {
  // The shipped ones are of this version.
  const own = sources.filter(({ shipped }) => !shipped);
  return [...attemptsThatWait(fleet.pools, policies).map(aboutPolicies), ...own.flatMap(changedInPolicy)];
}

function checkTogether(files: RuleFiles, read: ReadPolicies, config: Config): readonly Finding[] {
  const { policies, sources } = read;
  const groups: GroupsInForce = files.flatMap((file) =>
    file.groups.map((group) => ({ name: group.name, alerts: alertsOf(group).map(({ labels }) => labels) })),
  );
  return unpaced(inForceWarnings({ config, groups, policies })).map(({ key, message, policy }): Finding => {
    const place = policy === undefined ? '' : `${placeOfMatch(policy, sources)}: `;
    return { severity: 'warning', key, message: `${place}${message}` };
  });
}

/** Where the matchers of a policy stand, of which one of a person goes before a shipped one. */
function placeOfMatch(policy: string, sources: readonly DocumentSource[]): string {
  const registry = new PolicyRegistry(null, parseMatcher);
  const source = sources.findLast((one) =>
    unpaced(registry.parse([one])).some(({ name }) => name === policy),
  );
  return source ? placeIn(source, ['match']) : 'watchdog_policies';
}

function triggersOf(
  files: RuleFiles,
  policies: readonly Policy[],
  { watch = [], promql }: ReturnType<typeof watchedSeries> & Pick<Config, 'promql'>,
): readonly StrangerTrigger[] {
  const engine = engineOf({ promql });
  return strangerTriggers({
    files,
    policies,
    selectorsOf: (expr) => engine.prepare(expr).selectors.map(({ matchers }) => matchers),
    watch,
  });
}
