import { ANONYMOUS_SENDER, type Grant, type Labels, matchesAll, OMOI_SENDER, type Sender } from '#telemetry';
import type { AlertAuthority, SpokenFor } from '#watchdog';
import { MAX_SENDERS_FOUND, type AlertSenders } from './alert-senders.ts';

const NAMED_SENDERS = 3;

/** What a sender was given to speak for; null where nothing was. */
export type GrantOf = (sender: Sender) => Grant | null;

/**
 * Lets the watchdog act on a target only on the word of Omoi itself, of the target's own token, or of senders that were
 * given to speak for it.
 */
export function createAlertAuthority(senders: Pick<AlertSenders, 'of'>, grantOf: GrantOf): AlertAuthority {
  return {
    refusalOf({ ruleId, labels, postedBy }, target) {
      if (postedBy !== null) return refusalOfPosted(postedBy, target, grantOf);
      const found = senders.of(ruleId, labels);
      if (found === null) return `rule ${ruleId} is not loaded, so whose word it rests on is not known`;
      if (found.size > MAX_SENDERS_FOUND) {
        return `the alert rests on what more than ${MAX_SENDERS_FOUND} senders sent; have its rule read fewer, or set the policy's mode to approve`;
      }
      const strangers = [...found].filter((sender) => !maySpeakFor(sender, target, grantOf));
      if (strangers.length === 0) return null;
      return refusalText(`the alert rests on what ${shown(strangers)} sent`, target);
    },
  };
}

/** Of a posted alert the word of one who may is enough: it would fire without the others as well. */
function refusalOfPosted(senders: readonly Sender[], target: SpokenFor, grantOf: GrantOf): string | null {
  if (senders.some((sender) => maySpeakFor(sender, target, grantOf))) return null;
  return refusalText(`the alert was posted by ${shown(senders)}`, target);
}

function refusalText(rests: string, { kind, id }: SpokenFor): string {
  return (
    `${rests}, who may not speak for ${kind} ${id}; ` +
    `send it under a token that may (omoi token create NAME --role ingest --speaks-for ${kind}=${id}), ` +
    `or set the policy's mode to approve`
  );
}

function shown(strangers: readonly Sender[]): string {
  const names = strangers.map((sender) =>
    sender === ANONYMOUS_SENDER ? 'somebody without a token' : sender,
  );
  const others = names.length - NAMED_SENDERS;
  const named = names.sort().slice(0, NAMED_SENDERS).join(', ');
  return others > 0 ? `${named} and ${others} more` : named;
}

/** Whether a policy may act on the target on the word of the sender. */
function maySpeakFor(sender: Sender, target: SpokenFor, grantOf: GrantOf): boolean {
  const { kind, id, poolId } = target;
  if (sender === OMOI_SENDER) return true;
  if (kind === 'agent' && sender === `agent:${id}`) return true;
  if (poolId !== null && sender === `pool:${poolId}`) return true;
  const grant = grantOf(sender);
  if (grant === null) return false;
  if (kind === 'agent' && grant.agents.includes(id)) return true;
  if (poolId !== null && grant.pools.includes(poolId)) return true;
  return grant.matchers.length > 0 && matchesAll(grant.matchers, labelsOf(target));
}

/** A target as matchers see it: what Omoi itself knows of it, and nothing that telemetry says. */
function labelsOf({ kind, id, poolId }: SpokenFor): Labels {
  return { ...(kind === 'agent' && { agent_id: id }), ...(poolId !== null && { pool_id: poolId }) };
}
