import type { Fleet } from '#fleet';
import { assertMaySpeakFor } from '../access/agent-scope.ts';
import type { Principal } from '../http/app.ts';

/** Checks the token against the agent as it is known; `poolId` counts for one that is not known yet. */
export function assertMaySpeak(
  fleet: Pick<Fleet, 'agents'>,
  principal: Principal,
  agentId: string,
  poolId: string | null,
): void {
  const known = fleet.agents.get(agentId);
  assertMaySpeakFor(principal, { agentId, poolId: known ? known.poolId : poolId });
}
