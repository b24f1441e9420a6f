import { paced, Stretch, type Clock, type Logger } from '#telemetry';
import type { Config } from './config/schema.ts';
import { groupsOfLoaded, inForceWarnings, type ConfigurationWarning } from './in-force-warnings.ts';
import type { Parts } from './parts.ts';

export interface ServerWarningsParts {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly parts: {
    readonly alerting: { readonly rules: Pick<Parts['alerting']['rules'], 'groups'> };
    readonly watchdog: { readonly policies: Pick<Parts['watchdog']['policies'], 'list'> };
  };
  /** What is so at the moment, beside what the files say. */
  readonly live: () => readonly ConfigurationWarning[];
}

/** More of them help nobody; how many there are is said. */
const maxShown = 20;

/** What a person should know of how the server is set up: shown by the banner and the dashboard, and logged once. */
export class ServerWarnings {
  readonly #of: ServerWarningsParts;
  #inForce: readonly ConfigurationWarning[] = [];

  constructor(of: ServerWarningsParts) {
    this.#of = of;
  }

  /** Looks at the rules and policies in force; to be called when they have changed. */
  async refresh(): Promise<void> {
    const { config, clock, logger, parts } = this.#of;
    const stretch = new Stretch(clock);
    const groups = await paced(groupsOfLoaded(parts.alerting.rules.groups), stretch);
    const policies = parts.watchdog.policies.list();
    const before = new Set(this.#inForce.map(({ message }) => message));
    this.#inForce = await paced(inForceWarnings({ config: config(), groups, policies }), stretch);
    const shown = this.#inForce.slice(0, maxShown).filter(({ message }) => !before.has(message));
    for (const { key, message } of shown) logger.warn({ key }, `Configuration: ${message}`);
  }

  list(): readonly ConfigurationWarning[] {
    const all = [...this.#of.live(), ...this.#inForce];
    if (all.length <= maxShown) return all;
    const message = `and ${all.length - maxShown} more: \`omoi check\` names all of them`;
    return [...all.slice(0, maxShown), { key: '', message }];
  }
}
