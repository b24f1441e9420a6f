import { readdir } from 'node:fs/promises';
import {
  createCheckedNetwork,
  createChildPrograms,
  createHttpClient,
  type ClosableHttpClient,
  type ConfigurationFiles,
  type NotificationConfiguration,
  type ReceiverMeans,
} from '#notification';
import { messageOf, OmoiError, type Clock, type Random } from '#telemetry';
import { readTextFileLater } from './text-file.ts';

/** A secret's file has at most so many bytes. */
const maxSecretBytes = 65_536;

/** What receivers are reached with: the network, files, programs. */
export interface ReceiverNetwork {
  /** What the integrations of a configuration are made with; those of the one before lose their connections when they are idle. */
  toolsOf(configuration: NotificationConfiguration): ReceiverMeans;
  readonly files: ConfigurationFiles;
  /** Where `proxy_from_environment` looks. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  close(): void;
}

/** Files of this machine. */
export const machineFiles: ConfigurationFiles = {
  async list(folder) {
    try {
      return await readdir(folder);
    } catch {
      return [];
    }
  },
  read: (path) => readTextFileLater(path),
};

export interface ReceiverNetworkParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
}

export function createReceiverNetwork({
  clock,
  random,
  environment,
  version,
}: ReceiverNetworkParts): ReceiverNetwork {
  // Those of configurations that nothing uses any more are not kept.
  let clients: WeakRef<ClosableHttpClient>[] = [];
  return {
    toolsOf(configuration) {
      const network = createCheckedNetwork(configuration.omoi.allowedAddresses);
      const http = createHttpClient({
        clock,
        random,
        readSecret,
        environment,
        network,
        userAgent: `Omoi/${version}`,
      });
      clients = [...clients.filter((client) => client.deref() !== undefined), new WeakRef(http)];
      const programs = createChildPrograms(configuration.omoi.allowedCommands, clock);
      return { clock, random, http, network, readSecret, programs };
    },
    files: machineFiles,
    environment,
    close() {
      for (const client of clients) client.deref()?.close();
      clients = [];
    },
  };
}

/** The secret in a file, without the end of its line. @throws OmoiError `secret_unreadable` */
async function readSecret(path: string): Promise<string> {
  try {
    return (await readTextFileLater(path, maxSecretBytes)).trim();
  } catch (thrown) {
    throw new OmoiError('secret_unreadable', `${path}: ${messageOf(thrown)}`);
  }
}
