import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { confine, confinementOf, notEnforced, thisMachine, type ConfiningMachine } from '#fleet';
import { checkDataDirectory } from '#storage';
import { formatDuration, messageOf, type PoolDefinition } from '#telemetry';
import type { Config } from './config/schema.ts';
import { ownUser, poolsOfOwnUser, sharedUserWarning, type OwnUser } from './shared-user.ts';

/** Something that a person should know before the server starts. */
export interface Finding {
  /**
   * `error`: it will not work. `warning`: it works, and is not what one might think. `notice`: it works, and means
   * something else than it did in an earlier version.
   */
  readonly severity: 'error' | 'warning' | 'notice';
  /** The key of the configuration that it is about. */
  readonly key: string;
  readonly message: string;
}

export interface CheckedMachine {
  readonly confining: ConfiningMachine;
  readonly user: OwnUser | null;
  /** The mode of a path, or null where there is none. */
  modeOf(path: string): number | null;
  /** Why a directory can't be the data directory; null where it can, as far as can be seen without writing. */
  refusalOf(directory: string): Promise<string | null>;
}

const OTHERS = 0o077;
const PERMISSIONS = 0o777;

/**
 * Whether the data directory can be used, and what keeps agents and other users out of this installation, as far as its
 * configuration says. Changes nothing.
 */
export async function checkInstallation(
  config: Config,
  machine: CheckedMachine = here(),
): Promise<readonly Finding[]> {
  return [
    ...(await checkDirectory(config, machine)),
    ...checkSharedUser(config, machine),
    ...config.fleet.pools.flatMap((pool) => checkPool(pool, machine.confining)),
  ];
}

async function checkDirectory(
  { data_directory }: Config,
  machine: CheckedMachine,
): Promise<readonly Finding[]> {
  const directory = resolve(data_directory);
  const refusal = await machine.refusalOf(directory);
  if (refusal !== null) {
    return [{ severity: 'error', key: 'data_directory', message: refusal.replace(/^data_directory: /, '') }];
  }
  const mode = machine.modeOf(directory);
  if (mode === null || (mode & OTHERS) === 0) return [];
  const shown = (mode & PERMISSIONS).toString(8).padStart(4, '0');
  const message = `others may enter ${directory} (mode ${shown}); the next start closes it, or type: chmod 700 ${directory}`;
  return [{ severity: 'warning', key: 'data_directory', message }];
}

function checkSharedUser({ fleet, access }: Config, { user }: CheckedMachine): readonly Finding[] {
  const shared = sharedUserWarning(poolsOfOwnUser(fleet.pools, user));
  if (shared === null) return [];
  const socket =
    access.owner_socket === 'on' ? '; `access.owner_socket: off` takes away the socket, not the files' : '';
  return [{ severity: 'warning', key: 'fleet.pools', message: `${shared}${socket}` }];
}

function checkPool(pool: PoolDefinition, machine: ConfiningMachine): readonly Finding[] {
  if (pool.runtime !== 'process') return [];
  const key = `fleet.pools.${pool.id}`;
  const wanted = confinementOf(pool);
  const confined = confine(pool, wanted, machine);
  const pace = checkPace(pool);
  const refused: readonly Finding[] =
    confined.kind === 'refused' ? [{ severity: 'error', key, message: confined.error }] : [];
  const missing = notEnforced(wanted, machine);
  return [...pace, ...refused, ...missing.map((message): Finding => ({ severity: 'warning', key, message }))];
}

/** Each third of a TTL without a beat is one missed: less than an interval each, and every agent would be late. */
function checkPace({
  id,
  heartbeatIntervalMs: intervalMs,
  heartbeatTtlMs: ttlMs,
}: PoolDefinition): readonly Finding[] {
  if (intervalMs === null || ttlMs === null || ttlMs >= 3 * intervalMs) return [];
  const needed = formatDuration(3 * intervalMs);
  const message = `${formatDuration(ttlMs)} is less than three times heartbeat_interval (${formatDuration(intervalMs)}), so that its agents are refused when they register; give at least ${needed}`;
  return [{ severity: 'error', key: `fleet.pools.${id}.heartbeat_ttl`, message }];
}

function here(): CheckedMachine {
  return {
    confining: thisMachine(),
    user: ownUser(),
    modeOf: (path) => statSync(path, { throwIfNoEntry: false })?.mode ?? null,
    refusalOf: (directory) => checkDataDirectory(directory).then(() => null, messageOf),
  };
}
