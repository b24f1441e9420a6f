import { readdirSync, readFileSync } from 'node:fs';

/** A living process of a fleet. */
export interface Worker {
  readonly pid: number;
  readonly agentId: string;
  readonly generation: string;
  readonly nonce: string;
  readonly poolId: string;
}

/** The processes that a server of this URL or data directory has started, by the environment they were given. */
export function workersOf({
  url,
  directory,
}: {
  readonly url: string;
  readonly directory: string;
}): readonly Worker[] {
  return pids().flatMap((pid) => {
    const environment = environmentOf(pid);
    const isOfServer =
      environment.get('OMOI_URL') === url ||
      (environment.get('OMOI_DEMO_OUTPUT') ?? '').startsWith(directory);
    const agentId = environment.get('OMOI_AGENT_ID');
    if (!isOfServer || agentId === undefined) return [];
    return [
      {
        pid,
        agentId,
        generation: environment.get('OMOI_AGENT_GENERATION') ?? '',
        nonce: environment.get('OMOI_AGENT_NONCE') ?? '',
        poolId: environment.get('OMOI_POOL_ID') ?? '',
      },
    ];
  });
}

function pids(): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));
}

/** Empty for a process that has ended (a zombie has no environment) or is another user's. */
function environmentOf(pid: number): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return new Map();
  }
  return new Map(
    text.split('\0').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
