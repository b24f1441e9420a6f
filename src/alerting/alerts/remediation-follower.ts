import type { EventBus, EventConsumer } from '#eventbus';
import type { StateTransaction } from '#storage';
import type { SystemEvent } from '#telemetry';
import { aboutAlert, alertFacts } from './alert-events.ts';

/** States and outcomes after which a remediation has done something that a recovery may be owed to. */
const ACTING_STATES = new Set(['executing', 'verifying']);
const IDLE_STATES = new Set(['planned', 'awaiting_approval', 'cancelled']);
const VAIN_OUTCOMES = new Set(['no_effect', 'worsened', 'failed', 'cancelled']);

/**
 * Follows what the watchdog does about alerts: the alert's row names the remediation and whether it has acted, so
 * that its recovery gets the cause `remediated`; and an escalation to the guardian becomes one of the alert.
 */
export function remediationFollower(bus: EventBus): EventConsumer {
  return {
    name: 'alerting.remediation_follower',
    types: [
      'watchdog.remediation.started',
      'watchdog.remediation.changed',
      'watchdog.remediation.completed',
      'watchdog.escalated',
    ],
    from: 'start',
    handle: (tx, event) => follow(tx, bus, event),
  };
}

async function follow(tx: StateTransaction, bus: EventBus, event: SystemEvent): Promise<void> {
  if (event.event_type === 'watchdog.remediation.started') await mark(tx, event.payload, true);
  if (event.event_type === 'watchdog.remediation.changed') {
    if (ACTING_STATES.has(event.payload.to)) await mark(tx, event.payload, true);
    if (IDLE_STATES.has(event.payload.to)) await mark(tx, event.payload, false);
  }
  if (event.event_type === 'watchdog.remediation.completed' && VAIN_OUTCOMES.has(event.payload.outcome)) {
    await mark(tx, event.payload, false);
  }
  if (event.event_type === 'watchdog.escalated') await escalate(tx, bus, event.payload);
}

/** A resolved alert keeps what it had: what acts only then has not healed it. */
async function mark(
  tx: StateTransaction,
  remediation: { readonly alert_id: string; readonly remediation_id: string },
  acted: boolean,
): Promise<void> {
  await tx.db
    .updateTable('alerts')
    .set({ remediation_id: remediation.remediation_id, remediation_acted: acted ? 1 : 0 })
    .where('id', '=', remediation.alert_id)
    .where('state', '=', 'firing')
    .execute();
}

async function escalate(
  tx: StateTransaction,
  bus: EventBus,
  escalation: { readonly alert_id: string | null; readonly guardian: string; readonly reason: string },
): Promise<void> {
  if (escalation.alert_id === null) return;
  const row = await tx.db
    .selectFrom('alerts')
    .selectAll()
    .where('id', '=', escalation.alert_id)
    .executeTakeFirst();
  if (row?.state !== 'firing') return;
  await bus.append(tx, {
    event_type: 'monitor.alert.escalated',
    ...aboutAlert(row),
    payload: {
      ...alertFacts(row),
      to: escalation.guardian,
      reason: escalation.reason,
    },
  });
}
