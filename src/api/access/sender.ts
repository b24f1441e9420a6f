import { ANONYMOUS_SENDER, type Sender } from '#telemetry';
import type { Principal } from '../http/app.ts';

/**
 * Who a principal's series are from. Tokens of one agent or pool are one sender: a new generation, whose token is new,
 * goes on with the series of the one before it. Other tokens are told apart by name, so that one that takes another's
 * place may go on under its name.
 */
export function senderOf({ kind, name, scope }: Pick<Principal, 'kind' | 'name' | 'scope'>): Sender {
  if (kind === 'anonymous') return ANONYMOUS_SENDER;
  if (kind === 'local') return 'local';
  if (scope === null) return tokenSender(name);
  if (scope.poolId !== null) return `pool:${scope.poolId}`;
  const [agentId] = scope.agentIds;
  return agentId !== undefined && scope.agentIds.length === 1 ? `agent:${agentId}` : tokenSender(name);
}

/** A token of that name as a sender. */
export function tokenSender(name: string): Sender {
  return `token:${name}`;
}
