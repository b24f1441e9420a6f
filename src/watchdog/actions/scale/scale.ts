import { durationText, OmoiError } from '#telemetry';
import { z } from 'zod';
import { causeOf } from '../../remediations/remediation.ts';
import { defineAction, type ActionContext, type Done } from '../action.ts';

/** The watchdog extends an override at most four times a second. */
const MIN_TTL_MS = 1000;

/** "The pool should have so many more", for as long as the alert fires and a while after. */
export const scale = defineAction({
  name: 'scale',
  target: 'pool',
  keys: {
    /** How many agents are added. */
    add: z.number().int().positive(),
    /** How long the override lives if nobody extends it; the watchdog does while the alert fires. */
    ttl: durationText
      .refine(
        (ttlMs) => ttlMs >= MIN_TTL_MS,
        'would be over before the watchdog extends it; give at least 1s',
      )
      .prefault('2m'),
    /** How long the alert must have been resolved before the override is taken back. */
    release_after: durationText.prefault('5m'),
  },
  async act(step, context) {
    const { fleet, overrides, remediation, action, traceparent } = context;
    const { target_id: poolId } = remediation;
    const pool = fleet.pool(poolId);
    // An override would be raised all the same, add nobody, and be said to have had no effect.
    if (pool && pool.desired >= pool.max) {
      const message = `pool ${poolId} is to have ${pool.desired} agents, which is its max: none can be added before its max is raised`;
      throw new OmoiError('pool_bounds', message, { pool_id: poolId, max: pool.max });
    }
    const reason = causeOf(remediation);
    await overrides.raise(step, { overrideId: action.id, remediation, reason, traceparent });
    return raised(step.add, context);
  },
  async findDone(step, context) {
    const { overrides, remediation, action } = context;
    const isHeld = await overrides.takeUp(step, { overrideId: action.id, remediation });
    return isHeld ? raised(step.add, context) : null;
  },
  view: ({ add, ttl, release_after: releaseAfter }) => ({
    add,
    ttl_ms: ttl,
    release_after_ms: releaseAfter,
  }),
});

function raised(
  add: number,
  { fleet, remediation, action }: Pick<ActionContext, 'fleet' | 'remediation' | 'action'>,
): Done {
  const pool = fleet.pool(remediation.target_id);
  const isBounded = pool !== null && pool.desired + add > pool.max;
  const bound = isBounded ? `, up to the pool’s max of ${pool.max}` : '';
  return { detail: `${add} more under scale override ${action.id}${bound}`, generation: null };
}
