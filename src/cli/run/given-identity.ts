type Environment = Readonly<Record<string, string | undefined>>;

/** Set for the command: what it runs under `omoi run` once more is an agent of its own. */
export const WATCHED_VARIABLE = 'OMOI_WATCHED_AGENT';

/** Who a process is that Omoi has started for a pool. */
export interface GivenIdentity {
  readonly agentId: string;
  readonly generation: number;
  readonly nonce: string;
  readonly poolId: string | null;
  readonly agentType: string | null;
}

/** Whether this runs inside of a command of another `omoi run`. */
export function isWithinAnother(environment: Environment): boolean {
  return environment[WATCHED_VARIABLE] !== undefined;
}

/**
 * The identity that the environment brings along: complete where a pool's command is `omoi run … -- program`. Null
 * anywhere else, also inside of a command that runs under `omoi run` already and is that agent.
 */
export function givenIdentity(environment: Environment): GivenIdentity | null {
  const agentId = environment['OMOI_AGENT_ID'];
  const nonce = environment['OMOI_AGENT_NONCE'];
  const generation = environment['OMOI_AGENT_GENERATION'] ?? '';
  if (!agentId || !nonce || !/^[1-9]\d*$/.test(generation)) return null;
  if (isWithinAnother(environment)) return null;
  return {
    agentId,
    generation: Number(generation),
    nonce,
    poolId: environment['OMOI_POOL_ID'] ?? null,
    agentType: environment['OMOI_AGENT_TYPE'] ?? null,
  };
}
