import { formatDuration, toRfc3339 } from '#telemetry';
import type { AggregationGroup } from '../groups/aggregation-group.ts';
import type { RoutingInForce } from '../groups/routing-in-force.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';
import type { Hold } from '../hold/hold.ts';
import type { NotificationLog } from '../outbox/notification-log.ts';
import type { TimeIntervals } from '../routing/time-intervals.ts';
import { holdStage } from '../stages/hold-stage.ts';

/** What an alert waits for in one of its groups now. */
export interface Wait {
  readonly stage: 'hold' | 'group_wait' | 'group_interval' | 'repeat_interval' | 'mute_time' | 'active_time';
  readonly receiver: string;
  readonly groupKey: string;
  /** Wall ms; null where it has no end within a year. */
  readonly untilMs: number | null;
  /** One sentence. */
  readonly reason: string;
}

/** Of so many groups of an alert it is said what it waits for. */
export const maxWaits = 100;
/** The end of a time interval is looked for so far ahead. */
const maxAheadMs = 366 * 86_400_000;

export interface WaitContext {
  readonly log: Pick<NotificationLog, 'get'>;
  readonly holdOf: (alertId: string) => Hold | null;
  readonly intervals: Pick<TimeIntervals, 'silentBy' | 'speaksAgainAtMs'>;
  readonly integrationsOf: (receiver: string) => ReturnType<RoutingInForce['integrationsOf']>;
  readonly nowMs: number;
}

/** What is waited for before an alert is told of, or told of again, by its groups. */
export function waitsOf(
  alert: TrackedAlert,
  groups: Iterable<AggregationGroup>,
  context: WaitContext,
): readonly Wait[] {
  const waits: Wait[] = [];
  for (const group of groups) {
    if (waits.length >= maxWaits) break;
    const wait = waitIn(group, alert, context);
    if (wait) waits.push({ receiver: group.route.receiver, groupKey: group.groupKey, ...wait });
  }
  return waits;
}

type WaitInGroup = Pick<Wait, 'stage' | 'untilMs' | 'reason'>;

function waitIn(
  group: AggregationGroup,
  alert: TrackedAlert,
  { log, holdOf, intervals, integrationsOf, nowMs }: WaitContext,
): WaitInGroup | null {
  const { route, dueAtMs } = group;
  const isFiring = alert.endsAtMs === null;
  // Whatever its group waits for: the verdict on the repair is told at once.
  const held = isFiring ? holdStage(holdOf).judge(alert, route, nowMs) : null;
  if (held) {
    const { decision, reason, untilMs = null } = held;
    const isHealed = decision === 'healed' && untilMs !== null;
    const end = isHealed ? `waits until ${toRfc3339(untilMs)} for its end: ` : '';
    return { stage: 'hold', untilMs, reason: `${end}${reason}` };
  }
  if (!group.hasPassed) return waits('group_wait', dueAtMs, route.groupWaitMs);
  const silent = intervals.silentBy(route, nowMs);
  if (silent) {
    const untilMs = intervals.speaksAgainAtMs(route, { nowMs, untilMs: nowMs + maxAheadMs });
    const names = silent.names.join(', ');
    const until = untilMs === null ? ', which has no end within a year' : ` until ${toRfc3339(untilMs)}`;
    return silent.because === 'inactive'
      ? { stage: 'active_time', untilMs, reason: `not active outside ${names}${until}` }
      : { stage: 'mute_time', untilMs, reason: `muted within ${names}${until}` };
  }
  const entries = integrationsOf(route.receiver).map(({ key }) => log.get(group.id, key));
  const isKnown = entries.every((entry) => entry?.firing.has(alert.fingerprint) === true);
  if (!isFiring || !isKnown) return waits('group_interval', dueAtMs, route.groupIntervalMs);
  // Nobody is told again of what somebody has acknowledged.
  if (alert.acknowledgedBy !== null || entries.length === 0) return null;
  const toldAtMs = Math.min(...entries.map((entry) => entry?.notifiedAtMs ?? nowMs));
  const repeatAtMs = toldAtMs + route.repeatIntervalMs;
  // What is due is told as its group is looked at, once an interval, when more than the interval has passed.
  const passes = Math.max(0, Math.ceil((repeatAtMs + 1 - dueAtMs) / route.groupIntervalMs));
  return waits('repeat_interval', dueAtMs + passes * route.groupIntervalMs, route.repeatIntervalMs);
}

function waits(stage: Wait['stage'], untilMs: number, durationMs: number): WaitInGroup {
  const until = toRfc3339(untilMs);
  return { stage, untilMs, reason: `waits until ${until} for ${stage} of ${formatDuration(durationMs)}` };
}
