import { dirname, resolve } from 'node:path';
import {
  createCheckedNetwork,
  defaultConfiguration,
  NoAnswer,
  readConfigurationFile,
  type NotificationConfiguration,
} from '#notification';
import { messageOf, OmoiError, type Clock, type Random } from '#telemetry';
import type { Config } from './config/schema.ts';
import type { ConfigurationWarning } from './in-force-warnings.ts';
import type { ReceiverNetwork } from './receiver-network.ts';

export interface RoutingSource extends Pick<ReceiverNetwork, 'files' | 'environment'> {
  readonly isStrict?: boolean;
}

/**
 * The routing of alerts as its file says it; that of the dashboard and the log alone where none is named.
 * @param source.isStrict whether an integration by which nothing can be sent is a mistake
 * @throws OmoiError `routing_invalid`, naming every mistake with its place
 */
export async function readRouting(
  { notification: { config_file: path } }: Pick<Config, 'notification'>,
  { files, environment, isStrict = false }: RoutingSource,
): Promise<NotificationConfiguration> {
  if (path === undefined) return defaultConfiguration();
  let text: string;
  try {
    text = await files.read(path);
  } catch (thrown) {
    throw new OmoiError('routing_invalid', `notification.config_file: ${path}: ${messageOf(thrown)}`);
  }
  const source = { name: path, text, directory: dirname(resolve(path)) };
  const configuration = await readConfigurationFile(source, { files, environment });
  if (isStrict && configuration.unsendable.length > 0) {
    throw new OmoiError('routing_invalid', configuration.unsendable.join('\n'));
  }
  return configuration;
}

/** What is allowed in the routing and hardly meant. */
export function routingWarnings({
  warnings,
}: Pick<NotificationConfiguration, 'warnings'>): readonly ConfigurationWarning[] {
  return warnings.map((message) => ({ key: 'notification.config_file', message }));
}

/** More of them help nobody who reloads; how many there are is said. */
const maxNamedWarnings = 20;

/** What an answer and the log name of `warnings`. */
export function firstWarnings({ warnings }: Pick<NotificationConfiguration, 'warnings'>): readonly string[] {
  const more = warnings.length - maxNamedWarnings;
  if (more <= 0) return warnings;
  return [...warnings.slice(0, maxNamedWarnings), `and ${more} more: \`omoi check\` names all of them`];
}

/** A routing that has been read and checked for a reload. */
export interface PreparedRouting {
  readonly warnings: readonly string[];
  /** Does not fail. */
  takeOver(): Promise<void>;
}

/** For where there is no network: nobody can be reached, and no file is there. */
export function noReceiverNetwork(clock: Clock, random: Random): ReceiverNetwork {
  const absent = (what: string) => (): Promise<never> =>
    Promise.reject(new Error(`there is no ${what} here`));
  return {
    toolsOf: () => ({
      clock,
      random,
      http: { request: () => Promise.reject(new NoAnswer('settings', 'there is no network here')) },
      network: createCheckedNetwork([], absent('network')),
      readSecret: absent('file'),
    }),
    files: { list: () => Promise.resolve([]), read: absent('file') },
    environment: {},
    close() {},
  };
}
