import type { Guard, NewSystemEvent, RemediationOutcome } from '#telemetry';
import {
  testRoute,
  type NotificationStage,
  type RecordingReceiver,
  type TestConfiguration,
  type TestNotification,
  type TestOutlook,
} from '../notification.test-support.ts';

/** A route that holds pages back for a minute while the watchdog repairs, and otherwise waits for nothing. */
export const HELD = testRoute({
  groupWaitMs: 0,
  omoi: { ...testRoute().omoi, holdForRemediationMs: 60_000 },
});
/** The watchdog repairs whatever fires, by `restart_it`. */
export const acts: TestOutlook = () => ({
  acts: true,
  policy: 'restart_it',
  target: 'agent:w-1',
  heldBy: null,
});

/** Opens notification whose one route holds pages back. @returns the receiver that it tells */
export function openHeld(
  test: TestNotification,
  configuration: TestConfiguration = {},
): Promise<RecordingReceiver> {
  return test.open({ route: HELD, outlookOf: acts, ...configuration });
}

const ref = (alertId: string) => ({
  remediation_id: `r-${alertId}`,
  policy: 'restart_it',
  alert_id: alertId,
  target: 'agent:w-1',
});
const about = { entity_type: 'remediation', entity_id: 'r', traceparent: null };

/** The repair of an alert has begun. */
export const started = (alertId: string): NewSystemEvent => ({
  event_type: 'watchdog.remediation.started',
  ...about,
  payload: { ...ref(alertId), step: 'restart' },
});

/** The repair waits for a person. */
export const awaitsApproval = (alertId: string): NewSystemEvent => ({
  event_type: 'watchdog.remediation.changed',
  ...about,
  payload: { ...ref(alertId), from: 'planned', to: 'awaiting_approval', step: null },
});

/** The repair is left to people. */
export function escalated(alertId: string, guardian: string): NewSystemEvent {
  const { remediation_id: _, ...payload } = ref(alertId);
  const reason = '3 of 3 attempts did not last';
  return { event_type: 'watchdog.escalated', ...about, payload: { ...payload, guardian, reason } };
}

/** The watchdog has its verdict. */
export const ended = (alertId: string, outcome: RemediationOutcome): NewSystemEvent => ({
  event_type: 'watchdog.remediation.completed',
  ...about,
  payload: { ...ref(alertId), outcome, duration_ms: 2140 },
});

/** A guard holds the repair of an alert back. @param untilMs wall ms; null where no time is known */
export function suppressed(alertId: string, guard: Guard, untilMs: number | null): NewSystemEvent {
  const until = untilMs === null ? null : new Date(untilMs).toISOString();
  const { remediation_id: _, ...payload } = ref(alertId);
  return {
    event_type: 'watchdog.remediation.suppressed',
    ...about,
    payload: { ...payload, guard, reason: 'so it is', until },
  };
}

/** What the events say was healed without a page. */
export async function healedEvents(stage: NotificationStage): Promise<readonly unknown[]> {
  const events = await stage.events();
  return events.flatMap((event) =>
    event.event_type === 'notification.held_and_healed' ? event.payload : [],
  );
}
