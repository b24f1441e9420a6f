import { mutedBy } from '../stages/mute-stage.ts';
import type { AggregationGroup } from './aggregation-group.ts';
import type { PassContext } from './pass-context.ts';
import type { Pass } from './pass.ts';
import type { Quiet, QuietIntegration } from './quiet.ts';

/** A group of more members is passed anew each time: to look at them takes as long. */
export const maxQuietMembers = 1_000;

type Context = Pick<PassContext, 'integrations' | 'stages' | 'log' | 'outbox' | 'nowMs'>;

/** What a pass that is written leaves; null where the next one has to decide anew. Offers pauses: silences may have to be looked up. */
export function* quietAfter(pass: Pass, context: Context): Generator<void, Quiet | null> {
  const { group, changes } = pass;
  const { route, members } = group;
  const isSettled = pass.isWhole && !pass.isBlocked && group.refused.size === 0;
  if (!isSettled || group.changes !== changes || pass.logs.length + pass.left.length > 0) return null;
  const { flapping, holdForRemediationMs } = route.omoi;
  // What these come to changes with time, and with what the watchdog does.
  if (flapping !== null || holdForRemediationMs !== null) return null;
  if (members.size > maxQuietMembers || !(yield* areToldOf(group, context))) return null;
  if (group.changes !== changes) return null;
  const integrations = context.integrations.map((running) => ({
    running,
    entry: context.log.get(group.id, running.key),
    outstanding: context.outbox.outstanding(group.id, running.key),
  }));
  const isSent = ({ outstanding }: QuietIntegration): boolean =>
    outstanding !== null && outstanding.state !== 'waiting';
  // What is told just now is told again only after it has arrived.
  const isKnown = ({ entry, outstanding }: QuietIntegration): boolean =>
    entry !== null || outstanding !== null;
  if (integrations.some(isSent) || !integrations.every(isKnown)) return null;
  if (pass.planned.some(({ notification: { integration } }) => !waitsFor(integration, integrations)))
    return null;
  const toldAtMs = integrations.map(({ entry }) => entry?.notifiedAtMs ?? Infinity);
  return { changes, integrations, untilMs: Math.min(...toldAtMs) + route.repeatIntervalMs };
}

function waitsFor(key: string, integrations: readonly QuietIntegration[]): boolean {
  return integrations.some(({ running, outstanding }) => running.key === key && outstanding !== null);
}

/** Whether a pass would come to nothing. Offers pauses, as `quietAfter` does. */
export function* isStillQuiet(
  group: AggregationGroup,
  quiet: Quiet,
  context: Context,
): Generator<void, boolean> {
  return (
    isAsItWas(group, quiet, context) && (yield* areToldOf(group, context)) && isAsItWas(group, quiet, context)
  );
}

function isAsItWas(group: AggregationGroup, quiet: Quiet, context: Context): boolean {
  const { integrations, untilMs } = quiet;
  const { log, outbox, nowMs } = context;
  if (group.changes !== quiet.changes || nowMs >= untilMs) return false;
  if (integrations.length !== context.integrations.length) return false;
  for (const [place, { running, entry, outstanding }] of integrations.entries()) {
    if (context.integrations[place] !== running) return false;
    if (log.get(group.id, running.key) !== entry) return false;
    if (outbox.outstanding(group.id, running.key) !== outstanding) return false;
    if (outstanding !== null && outstanding.state !== 'waiting') return false;
  }
  return true;
}

function* areToldOf(
  { members, route }: AggregationGroup,
  { stages, nowMs }: Context,
): Generator<void, boolean> {
  for (const alert of members.values()) {
    yield;
    if (alert.endsAtMs !== null || alert.snoozedUntilMs !== null) return false;
    if (mutedBy(stages, alert, { route, nowMs }) !== null) return false;
  }
  return true;
}
