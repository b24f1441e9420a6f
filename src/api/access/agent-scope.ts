import { OmoiError } from '#telemetry';
import type { Principal } from '../http/app.ts';

/**
 * Lets an agent token speak only for the agents or the pool that it is bound to; other roles may speak for all.
 * @param agent `poolId` is the pool that the agent belongs to, or would join
 * @throws OmoiError `token_scope`
 */
export function assertMaySpeakFor(
  principal: Principal,
  agent: { readonly agentId: string; readonly poolId: string | null },
): void {
  if (principal.role !== 'agent') return;
  const { scope } = principal;
  if (scope?.agentIds.includes(agent.agentId)) return;
  if (scope && scope.poolId !== null && scope.poolId === agent.poolId) return;
  throw new OmoiError(
    'token_scope',
    `The token ${principal.name} may not speak for agent ${agent.agentId}.`,
    {
      agent_id: agent.agentId,
    },
  );
}
