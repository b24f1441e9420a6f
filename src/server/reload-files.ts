import type { Alerting } from '#alerting';
import type { Reloaded } from '#api';
import { messageOf, type Logger } from '#telemetry';
import type { Watchdog } from '#watchdog';
import type { ConfigInForce } from './config-in-force.ts';
import type { Config } from './config/schema.ts';
import { loadRules, readPolicyFiles, readRuleFiles } from './parts.ts';
import type { PreparedRouting } from './routing.ts';

export interface ReloadParts {
  readonly alerting: Pick<Alerting, 'rules'>;
  readonly watchdog: Pick<Watchdog, 'preparePolicies' | 'reconsider'>;
  /** Reads and checks who is told of alerts. @throws OmoiError `routing_invalid` */
  readonly prepareRouting: (config: Config) => Promise<PreparedRouting>;
  /** Reads the files that this configuration names while they stand still. @throws OmoiError `files_changing` */
  readonly whileStill: <Content>(of: Config, read: () => Promise<Content>) => Promise<Content>;
  readonly logger: Logger;
}

/**
 * Reads the configuration and the files of rules, routing and policies anew and takes all of them over, or none. What can fail comes first: reading,
 * checking, and what the database is asked; then both change in one turn of the event loop. That they are in force is
 * true, too, where the database fails after that: what it is about is done again, and the log says so.
 * @throws OmoiError `config_invalid`, `rule_file_invalid`, `routing_invalid`, `policy_file_invalid`, `files_changing`, `database_failed`; the old ones stay in force
 */
export async function reloadFiles(config: ConfigInForce, parts: ReloadParts): Promise<Reloaded> {
  const reloaded = await takeOver(config, parts);
  await reconsider(parts);
  return reloaded;
}

async function takeOver(config: ConfigInForce, parts: ReloadParts): Promise<Reloaded> {
  const { alerting, watchdog, logger } = parts;
  try {
    const { report, policies } = await config.reload(async (next) => {
      const { policyFiles, ruleFiles, routing } = await parts.whileStill(next, async () => ({
        policyFiles: await readPolicyFiles(next),
        ruleFiles: await readRuleFiles(next),
        routing: await parts.prepareRouting(next),
      }));
      const prepared = await watchdog.preparePolicies(policyFiles);
      const loaded = await loadRules(alerting, ruleFiles, logger, () => prepared.takeOver());
      await routing.takeOver();
      for (const warning of routing.warnings) logger.warn({ warning }, 'Routing loaded, with a warning');
      return {
        report: { ...loaded, warnings: [...loaded.warnings, ...routing.warnings] },
        policies: prepared.count,
      };
    });
    const { rules, changed, removed, warnings } = report;
    const inForce = { rules, changed, removed, policies };
    logger.info(inForce, 'Rules and policies reloaded');
    const { needsRestart } = config;
    if (needsRestart.length > 0)
      logger.warn({ keys: needsRestart }, 'Configuration changed in keys that count from the next start on');
    return { ...inForce, warnings, needs_restart: needsRestart };
  } catch (thrown) {
    logger.error({ error: messageOf(thrown) }, 'Rules and policies not reloaded: the old ones stay in force');
    throw thrown;
  }
}

async function reconsider({ watchdog, logger }: ReloadParts): Promise<void> {
  try {
    await watchdog.reconsider();
  } catch (thrown) {
    logger.warn(
      { error: messageOf(thrown) },
      'Alerts that fire already not looked at under the new policies; tried again within 30 s',
    );
  }
}
