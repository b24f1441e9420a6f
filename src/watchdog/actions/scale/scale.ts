import { durationText } from '#telemetry';
import { z } from 'zod';
import { causeOf } from '../../remediations/remediation.ts';
import { defineAction, type Done } from '../action.ts';

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
  async act(step, { overrides, remediation, action, traceparent }) {
    const reason = causeOf(remediation);
    await overrides.raise(step, { overrideId: action.id, remediation, reason, traceparent });
    return raised(step.add, action.id);
  },
  async findDone(step, { overrides, remediation, action }) {
    const isHeld = await overrides.takeUp(step, { overrideId: action.id, remediation });
    return isHeld ? raised(step.add, action.id) : null;
  },
  view: ({ add, ttl, release_after: releaseAfter }) => ({
    add,
    ttl_ms: ttl,
    release_after_ms: releaseAfter,
  }),
});

function raised(add: number, overrideId: string): Done {
  return { detail: `${add} more under scale override ${overrideId}`, generation: null };
}
