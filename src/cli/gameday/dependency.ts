import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toRfc3339 } from '#telemetry';
import type { Action } from './experiment.ts';
import { createPool } from './fleet-faults.ts';
import type { Stage } from './stage.ts';
import { omoiRun } from './wrapped-programs.ts';

type ActionOf<Type extends Action['type']> = Extract<Action, { type: Type }>;

/** Ends at once where the directory `$0` is not there; else runs what follows. */
const AT_START = '[ -d "$0" ] || { echo "$0 is away" >&2; exit 1; }; exec "$@"';
/** Works as long as the directory is there. */
const AT_WORK = 'while [ -d "$0" ]; do sleep 0.2; done; echo "$0 has gone" >&2; exit 1';

/**
 * Deploys programs that need a directory, as one that is mounted, each under this program's own `omoi run`. `path` is the
 * directory; the end of the run removes both.
 */
export async function createDependants(
  { pool, processes }: ActionOf<'create_dependants'>,
  stage: Stage,
): Promise<unknown> {
  const parent = mkdtempSync(join(tmpdir(), 'omoi-gameday-'));
  stage.cleanUps.push(() => Promise.resolve(rmSync(parent, { recursive: true, force: true })));
  const path = join(parent, 'dependency');
  mkdirSync(path);
  const command = ['/bin/sh', '-c', AT_START, path, ...omoiRun(), '/bin/sh', '-c', AT_WORK, path];
  const created = await createPool({ type: 'create_pool', pool, command, processes, wrapped: false }, stage);
  return { ...created, path };
}

/** Takes what the programs of `create_dependants` need away, or brings it back. */
export function setDependency({ path, is }: ActionOf<'dependency'>): { readonly at: string } {
  const at = toRfc3339(Date.now());
  if (is === 'away') rmSync(path, { recursive: true });
  else mkdirSync(path);
  return { at };
}
