import { OMOI_SENDER, type Sender } from '#telemetry';
import type { AlertAuthority, SpokenFor } from '#watchdog';
import type { AlertSenders } from './alert-senders.ts';

const NAMED_SENDERS = 3;

/** Lets the watchdog act on a target only on the word of Omoi itself, or of senders that speak for the target. */
export function createAlertAuthority(senders: Pick<AlertSenders, 'of'>): AlertAuthority {
  return {
    refusalOf({ ruleId }, target) {
      const found = senders.of(ruleId);
      if (found === null) return `rule ${ruleId} is not loaded, so whose word it rests on is not known`;
      const strangers = [...found].filter((sender) => !mayTrigger(sender, target));
      if (strangers.length === 0) return null;
      const named = strangers.sort().slice(0, NAMED_SENDERS).join(', ');
      const others = strangers.length - NAMED_SENDERS;
      const who = others > 0 ? `${named} and ${others} others` : named;
      return `rule ${ruleId} reads series of ${who}, who may not speak for ${target.kind} ${target.id}; have them sent under a token of that agent or pool, or set the policy's mode to approve`;
    },
  };
}

/** Whether a policy may act on the target on the word of the sender. */
function mayTrigger(sender: Sender, { kind, id, poolId }: SpokenFor): boolean {
  if (sender === OMOI_SENDER) return true;
  if (kind === 'agent' && sender === `agent:${id}`) return true;
  return poolId !== null && sender === `pool:${poolId}`;
}
