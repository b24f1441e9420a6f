import { userInfo } from 'node:os';
import type { PoolDefinition } from '#telemetry';

/** As whom the server runs; null where the system has no such numbers. */
export interface OwnUser {
  readonly uid: number;
  readonly name: string;
}

export function ownUser(): OwnUser | null {
  const uid = process.getuid?.();
  if (uid === undefined) return null;
  try {
    return { uid, name: userInfo().username };
  } catch {
    // A container's user may be in no /etc/passwd.
    return { uid, name: String(uid) };
  }
}

/**
 * The pools whose agents run as the server's own user. No mode of a file and no socket keeps them out: what they run can
 * read the data directory, and is admin.
 */
export function poolsOfOwnUser(pools: readonly PoolDefinition[], own: OwnUser | null): readonly string[] {
  return pools
    .filter(
      ({ user, runtime }) =>
        runtime === 'process' &&
        (user === null || own === null || user === own.name || user === String(own.uid)),
    )
    .map(({ id }) => id);
}

/** What a person has to know of them, in one line; null where there are none. */
export function sharedUserWarning(poolIds: readonly string[]): string | null {
  if (poolIds.length === 0) return null;
  const named = poolIds.slice(0, NAMED).join(', ') + (poolIds.length > NAMED ? ', …' : '');
  return `agents of ${named} run as the server's own user: they can read its files, and be admin; \`user:\` of the pool separates them`;
}

const NAMED = 3;
