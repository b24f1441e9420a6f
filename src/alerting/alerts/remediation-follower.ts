import type { EventBus, EventConsumer } from '#eventbus';
import { PreparedQuery, type StateTransaction } from '#storage';
import { allSettled, type SystemEvent } from '#telemetry';
import { aboutAlert, alertFacts } from './alert-events.ts';

/** States and outcomes after which a remediation has done something that a recovery may be owed to. */
const ACTING_STATES = new Set(['executing', 'verifying']);
const IDLE_STATES = new Set(['planned', 'awaiting_approval', 'cancelled']);
const INEFFECTIVE_OUTCOMES = new Set(['no_effect', 'worsened', 'failed', 'cancelled']);

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
    handle: (tx, events) => follow(tx, bus, events),
  };
}

async function follow(tx: StateTransaction, bus: EventBus, events: readonly SystemEvent[]): Promise<void> {
  const marks = new Map<string, Mark>();
  for (const event of events) {
    const mark = markOf(event);
    if (mark) marks.set(mark.alertId, mark);
  }
  await allSettled([...marks.values()].map((mark) => MARK_ALERT.run(tx, mark)));
  for (const event of events) {
    if (event.event_type === 'watchdog.escalated') await escalate(tx, bus, event.payload);
  }
}

/** What an alert's row says of the remediation that is at work for it. */
interface Mark {
  readonly alertId: string;
  readonly remediationId: string;
  readonly acted: 0 | 1;
}

/** A resolved alert keeps what it had: what acts only then has not healed it. */
const MARK_ALERT = new PreparedQuery<Mark, never>((db, { alertId, remediationId, acted }) =>
  db
    .updateTable('alerts')
    .set({ remediation_id: remediationId, remediation_acted: acted })
    .where('id', '=', alertId)
    .where('state', '=', 'firing'),
);

function markOf(event: SystemEvent): Mark | null {
  if (event.event_type === 'watchdog.remediation.started') return marked(event.payload, 1);
  if (event.event_type === 'watchdog.remediation.changed') {
    if (ACTING_STATES.has(event.payload.to)) return marked(event.payload, 1);
    if (IDLE_STATES.has(event.payload.to)) return marked(event.payload, 0);
  }
  if (
    event.event_type === 'watchdog.remediation.completed' &&
    INEFFECTIVE_OUTCOMES.has(event.payload.outcome)
  ) {
    return marked(event.payload, 0);
  }
  return null;
}

function marked(
  remediation: { readonly alert_id: string; readonly remediation_id: string },
  acted: Mark['acted'],
): Mark {
  return { alertId: remediation.alert_id, remediationId: remediation.remediation_id, acted };
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
