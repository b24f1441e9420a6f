import type { StateTransaction } from '#storage';
import { OmoiError, type Counter, type SelfMetrics } from '#telemetry';
import { replicaOf } from '../pools/pool-definition.ts';
import type { FleetLimits } from '../limits.ts';
import { ENDED_STATUSES } from './agent-status.ts';
import type { Registrant, RegistrationRequest } from './registration.ts';

type Newcomer = Pick<RegistrationRequest, 'agentId' | 'registeredBy'>;

/** What a new external agent must not do: take the id of a replica that a pool may start, or be one too many. */
export class Admission {
  readonly #limits: Pick<FleetLimits, 'maxAgentsPerToken'>;
  readonly #refused: Counter;

  constructor(parts: {
    readonly limits: Pick<FleetLimits, 'maxAgentsPerToken'>;
    readonly metrics: SelfMetrics;
  }) {
    this.#limits = parts.limits;
    this.#refused = parts.metrics.counter(
      'omoi_fleet_registrations_refused_total',
      'Agents that were not registered: their id is a pool’s, or their token has too many.',
    );
  }

  /** @throws OmoiError `agent_id_reserved`, `agent_limit_reached` */
  async admit(tx: StateTransaction, newcomer: Newcomer): Promise<void> {
    const poolId = await poolThatStarts(tx, newcomer.agentId);
    if (poolId !== null) {
      this.#refused.add(1, { reason: 'agent_id_reserved' });
      throw new OmoiError(
        'agent_id_reserved',
        `Agents called ${newcomer.agentId} are started by pool ${poolId} alone; register under another id.`,
        { agent_id: newcomer.agentId, pool_id: poolId },
      );
    }
    await this.admitAgain(tx, newcomer);
  }

  /** @throws OmoiError `agent_limit_reached` */
  async admitAgain(tx: StateTransaction, { registeredBy }: Newcomer): Promise<void> {
    if (!registeredBy) return;
    const maxAgents = registeredBy.maxAgents ?? this.#limits.maxAgentsPerToken;
    await takeTurnOf(tx, registeredBy);
    const { agents } = await tx.db
      .selectFrom('agents')
      .select((select) => select.fn.countAll<number>().as('agents'))
      .where('registered_by', '=', registeredBy.tokenId)
      .where('status', 'not in', ENDED_STATUSES)
      .executeTakeFirstOrThrow();
    if (agents < maxAgents) return;
    this.#refused.add(1, { reason: 'agent_limit_reached' });
    throw new OmoiError(
      'agent_limit_reached',
      `The token has ${maxAgents} agents registered already, which is its limit (max_agents of the token, or ` +
        'access.max_agents_per_token); let some leave, or use another token.',
      { max_agents: maxAgents },
    );
  }
}

/** Transactions that overlap do not see each other's agents: those of one token are counted one after the other. */
async function takeTurnOf(tx: StateTransaction, { tokenId }: Registrant): Promise<void> {
  if (tx.dialect !== 'postgres') return;
  await tx.db.selectFrom('access_tokens').select('id').where('id', '=', tokenId).forNoKeyUpdate().execute();
}

/** The pool whose replica an id would be; null for an id that no pool will ever use. */
async function poolThatStarts(tx: StateTransaction, agentId: string): Promise<string | null> {
  const poolId = agentId.slice(0, Math.max(0, agentId.lastIndexOf('-')));
  if (poolId === '' || replicaOf(poolId, agentId) === null) return null;
  const pool = await tx.db
    .selectFrom('pools')
    .select('pool_id')
    .where('pool_id', '=', poolId)
    .executeTakeFirst();
  return pool ? poolId : null;
}
