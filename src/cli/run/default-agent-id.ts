import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { basename } from 'node:path';

export interface Surroundings {
  readonly poolId: string;
  readonly host: string;
  /** Where the command is run, absolute. */
  readonly directory: string;
}

const NOT_IN_NAMES = /[^A-Za-z0-9._-]+/g;
const MAX_PART_LENGTH = 50;
/** Tells directories of one name apart. */
const HASH_LENGTH = 6;
const MAX_AT_ONCE = 1000;

/** The id that stays: whoever runs something for the same pool, on the same host, in the same directory is the same agent. */
export function defaultAgentId({ poolId, host, directory }: Surroundings): string {
  const hash = createHash('sha256')
    .update(`${poolId}\n${host}\n${directory}`)
    .digest('hex')
    .slice(0, HASH_LENGTH);
  const parts = [poolId, host, basename(directory)].map((text) =>
    text.replace(NOT_IN_NAMES, '-').slice(0, MAX_PART_LENGTH),
  );
  return [...parts.filter((part) => part !== ''), hash].join('-');
}

/** @returns false where somebody on this machine has the id; else nobody gets it until this process ends */
export type ClaimOfId = (id: string) => Promise<boolean>;

/** The id, or `ID-2`, `ID-3` … while others of this machine run as those before. */
export async function freeAgentId(id: string, claim: ClaimOfId = claimOnThisMachine): Promise<string> {
  for (let number = 1; number < MAX_AT_ONCE; number++) {
    const candidate = number === 1 ? id : `${id}-${number}`;
    if (await claim(candidate)) return candidate;
  }
  return `${id}-${process.pid}`;
}

/**
 * By a socket of the kernel's own name space (unix(7)): it is let go of however its holder ends. There is none but on Linux,
 * where it is the server that refuses the second.
 */
function claimOnThisMachine(id: string): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true);
  const name = createHash('sha256').update(`${process.getuid?.()} ${id}`).digest('hex');
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ path: `\0omoi-run-${name}` }, () => {
      server.unref();
      resolve(true);
    });
  });
}
