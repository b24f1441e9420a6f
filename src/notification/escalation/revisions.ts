import type { Outstanding } from '../outbox/delivery-queue.ts';
import type { Notification } from '../outbox/outbox-rows.ts';
import type { Climb } from './climb.ts';
import type { EscalationParts, EscalationWork } from './escalation-parts.ts';
import { rungBefore } from './ladder.ts';
import { escalationDecision, planRevision, receiverOf } from './ladder-messages.ts';
import { waitMs, type ClimbStates } from './climb-states.ts';
import { revise } from './waiting-messages.ts';

export interface RevisionParts extends Pick<
  EscalationParts,
  'clock' | 'context' | 'decisions' | 'log' | 'outbox' | 'random'
> {
  readonly climbStates: ClimbStates;
  /** Messages in whose place others are written already. */
  readonly replaced: ReadonlySet<Outstanding>;
}

/** Takes back what the messages of a ladder of a group that wait were to tell, as far as nobody has to hear of it any more. */
export function reviseMessages(groupId: string, work: EscalationWork, parts: RevisionParts): void {
  const { outbox, log, clock, climbStates } = parts;
  const now = climbStates.of(groupId);
  for (const outstanding of outbox.outstandingOf(groupId)) {
    const { state, notification } = outstanding;
    if (state === 'sending' || notification.reason !== 'escalation' || parts.replaced.has(outstanding))
      continue;
    const revised = revise(outstanding, log.get(groupId, notification.integration), now);
    // Where the one in its place could not be written it is not sent any more: it is made again as it was.
    const revision = revised ?? (state === 'replaced' ? { said: notification, over: [], waiting: [] } : null);
    if (!revision) continue;
    if (revision.said === null) work.withdrawn.push(outstanding);
    else work.planned.push(planRevision(outstanding, revision.said, { ...parts, nowMs: clock.wallMs() }));
    for (const climb of revision.over) tell(climb, notification, parts);
    for (const climb of revision.waiting) takeAgain(climb, notification, { work, parts });
  }
}

/** The step of an alert that is kept back now, and of which its receiver has not heard, is taken again once it is not. */
function takeAgain(
  climb: Climb,
  notification: Notification,
  { work, parts }: { readonly work: EscalationWork; readonly parts: RevisionParts },
): void {
  const { context, clock, climbStates } = parts;
  tell(climb, notification, parts);
  const escalation = context.escalationOf(climb.escalation);
  const group = climbStates.groupOf(climb);
  const taken = escalation && (climb.dueAtMs === null ? climb : rungBefore(escalation, climb));
  if (!escalation || !taken || !group) return;
  const receiver = receiverOf(escalation, taken, group.route.receiver);
  // Where a later step has told others it goes on from there.
  if (!context.integrationsOf(receiver).some(({ key }) => key === notification.integration)) return;
  const dueAtMs = Math.floor(clock.wallMs()) + waitMs;
  work.moved.push({ climb, to: { step: taken.step, round: taken.round, dueAtMs } });
}

function tell(climb: Climb, { id, receiver }: Notification, { decisions }: RevisionParts): void {
  const reason = `${receiver} had not taken the message of its step`;
  const decision = escalationDecision(climb, 'taken back', reason, { receiver, notificationId: id });
  decisions.record(decision, `escalation ${climb.escalation}`);
}
