import { isDeepStrictEqual } from 'node:util';
import { messageOf, toRfc3339, type Clock, type SelfMetrics } from '#telemetry';
import type { Config } from './config/schema.ts';
import type { ConfigurationWarning } from './in-force-warnings.ts';

export interface ConfigInForceParts {
  /** What the server was started with. */
  readonly started: Config;
  /** Reads the configuration anew; null where there is no file to read. @throws OmoiError `config_invalid`, `files_changing` */
  readonly read: (() => Config | Promise<Config>) | null;
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly metrics: SelfMetrics;
}

/** What a reload takes over of a section; all else of the configuration is read at a start alone. */
const RELOADED = {
  alerting: ['rule_files', 'disable'],
  notification: ['config_file'],
  watchdog: ['policy_files', 'disable'],
} as const;

/** Which configuration counts: that of the start, with what reloads have taken over; and how the last reload went. */
export class ConfigInForce {
  readonly #of: ConfigInForceParts;
  #current: Config;
  #needsRestart: readonly string[] = [];
  #lastSuccessMs: number;
  /** Why the last reload was refused; null where it was taken over. */
  #refusal: string | null = null;

  constructor(of: ConfigInForceParts) {
    this.#of = of;
    this.#current = of.started;
    this.#lastSuccessMs = of.clock.wallMs();
    of.metrics.gauge(
      'omoi_config_last_reload_successful',
      'Whether the last reload of the configuration, its rules and policies was taken over (1) or refused (0).',
      () => Number(this.isLastReloadSuccessful),
    );
    of.metrics.gauge(
      'omoi_config_last_reload_success_timestamp_seconds',
      'When a configuration, its rules and policies were last taken over, by the start or a reload.',
      () => this.#lastSuccessMs / 1000,
    );
  }

  get current(): Config {
    return this.#current;
  }

  /** The keys that differ in the file that was read last, and that count from the next start on. */
  get needsRestart(): readonly string[] {
    return this.#needsRestart;
  }

  get isLastReloadSuccessful(): boolean {
    return this.#refusal === null;
  }

  /** Wall time, ms since epoch. */
  get lastSuccessMs(): number {
    return this.#lastSuccessMs;
  }

  warnings(): readonly ConfigurationWarning[] {
    const restart = this.#needsRestart.map((key) => ({
      key,
      message: `${key}: changed since the start; it counts once Omoi is started again`,
    }));
    return [...this.#warningOfRefusal(), ...restart];
  }

  #warningOfRefusal(): readonly ConfigurationWarning[] {
    if (this.#refusal === null) return [];
    const [first = '', ...others] = this.#refusal.split('\n');
    const more = others.length > 0 ? ' (omoi check names all that is wrong)' : '';
    const since = toRfc3339(this.#lastSuccessMs);
    const message = `the last reload was refused: ${first}${more}; what was taken over at ${since} is in force`;
    return [{ key: 'configuration', message }];
  }

  /**
   * Reads the configuration anew and has it taken over; where that fails the one of before stays.
   * @param takeOver with the configuration that is to count
   * @throws OmoiError `config_invalid`, and what `takeOver` throws
   */
  async reload<Report>(takeOver: (next: Config) => Promise<Report>): Promise<Report> {
    try {
      const { started, read } = this.#of;
      const onDisk = (await read?.()) ?? started;
      const next = withReloaded(this.#current, onDisk);
      const report = await takeOver(next);
      this.#current = next;
      this.#needsRestart = differingKeys(next, onDisk);
      this.#lastSuccessMs = this.#of.clock.wallMs();
      this.#refusal = null;
      return report;
    } catch (thrown) {
      this.#refusal = messageOf(thrown);
      throw thrown;
    }
  }
}

function withReloaded(current: Config, onDisk: Config): Config {
  return {
    ...current,
    alerting: { ...current.alerting, ...picked(onDisk.alerting, RELOADED.alerting) },
    notification: { ...current.notification, ...picked(onDisk.notification, RELOADED.notification) },
    watchdog: { ...current.watchdog, ...picked(onDisk.watchdog, RELOADED.watchdog) },
  };
}

function picked<Section, Key extends keyof Section>(
  section: Section,
  keys: readonly Key[],
): Pick<Section, Key> {
  return Object.fromEntries(keys.map((key) => [key, section[key]])) as Pick<Section, Key>;
}

/** Dotted keys whose values differ, in the file's order; lists and maps of free names count as one. */
function differingKeys(one: Config, other: Config): readonly string[] {
  return Object.keys({ ...one, ...other }).flatMap((section) =>
    differingIn(section, one[section as keyof Config], other[section as keyof Config]),
  );
}

const MAPS: ReadonlySet<string> = new Set(['alerting.external_labels', 'alerting.groups']);

function differingIn(path: string, one: unknown, other: unknown): readonly string[] {
  if (isDeepStrictEqual(one, other)) return [];
  if (!isSection(one) || !isSection(other) || MAPS.has(path)) return [path];
  return Object.keys({ ...one, ...other }).flatMap((key) =>
    differingIn(`${path}.${key}`, one[key], other[key]),
  );
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
