import type { EventPayload, EventType, SystemEvent } from '#telemetry';
import { hasEnded } from '../agents/agent-status.ts';
import type { FleetParts } from '../fleet-parts.ts';
import type { Holder } from '../leases/lease-registry.ts';
import type { LostHolder } from './loss-judge.ts';
import { massLossesKeptMs, maxMassLostTasks } from './mass-losses.ts';

/** As many events are asked for at a time. */
const pageLength = 1000;

/** An agent's generation that ended or hung by itself under an earlier server. */
export interface PastLoss extends LostHolder {
  /** The tasks whose losses were counted. */
  readonly taskIds: readonly string[];
}

/** A task that was lost together with most of a pool. */
export interface PastMassLoss {
  readonly poolId: string | null;
  readonly taskId: string;
  readonly holder: Holder;
  /** How long ago that was, ms. */
  readonly agoMs: number;
}

export interface PastLosses {
  /** The first in front. */
  readonly mass: readonly PastMassLoss[];
  /** Those of the last moments of the server before: who is found to have ended meanwhile may have gone together with them. */
  readonly last: readonly PastLoss[];
}

/** Reads what earlier servers have told of losses of tasks, as far as it still matters. @param nowMs by the database's clock */
export async function readPastLosses(parts: FleetParts, nowMs: number): Promise<PastLosses> {
  const { massLossWindowMs } = parts.limits;
  const released = await readReleases(parts, nowMs - massLossesKeptMs);
  const mass: PastMassLoss[] = [];
  /** Counted, and given back where most of the pool went within the window. */
  const countedOf = new Map<string | null, (PastMassLoss & { readonly atMs: number })[]>();
  for (const { at, payload } of released) {
    const holder = holderIn(payload);
    const agent = holder && parts.agentIndex.get(holder.agentId);
    // Of one that has been struck off it is not known where it belonged.
    if (!agent) continue;
    const atMs = Date.parse(at);
    const { poolId } = agent;
    const lost = { poolId, taskId: payload.task_id, holder, agoMs: Math.max(0, nowMs - atMs) };
    const before = countedOf.get(poolId) ?? [];
    countedOf.set(poolId, before);
    if (isCounted(payload)) before.push({ ...lost, atMs });
    if (payload.excused_by !== 'many_at_once') continue;
    countedOf.delete(poolId);
    for (const { atMs: countedAtMs, ...other } of before)
      if (atMs - countedAtMs <= massLossWindowMs) mass.push(other);
    mass.push(lost);
  }
  const fromMs = (await lastSignMs(parts)) - massLossWindowMs;
  const counted = [...countedOf.values()].flat().filter(({ atMs }) => atMs >= fromMs);
  const exited = await parts.bus.list({ types: ['fleet.agent.exited'], fromMs, limit: pageLength });
  return { mass, last: lossesOf(parts, counted, exited.flatMap(unexpectedExit)) };
}

/** The newest ones, the first in front. */
async function readReleases({ bus }: FleetParts, fromMs: number): Promise<readonly Released[]> {
  const read: Released[] = [];
  for (let beforeId = Number.MAX_SAFE_INTEGER; read.length < maxMassLostTasks;) {
    const page = await bus.list({
      types: ['fleet.task.released'],
      fromMs,
      beforeId,
      limit: pageLength,
      newestFirst: true,
    });
    for (const event of page) if (event.event_type === 'fleet.task.released') read.push(event);
    const last = page.at(-1);
    if (!last || page.length < pageLength) break;
    beforeId = last.id;
  }
  return read.reverse();
}

type Released = Extract<SystemEvent, { event_type: 'fleet.task.released' }>;
type Payload = EventPayload<'fleet.task.released'>;

function holderIn({ agent_id: agentId, generation }: Payload): Holder | null {
  return agentId === null || generation === null ? null : { agentId, generation };
}

/** That a task ran too long says nothing of its holder. */
function isCounted({ counted, reason }: Payload): boolean {
  return counted === true && reason !== 'time_limit';
}

function unexpectedExit(event: SystemEvent): readonly Holder[] {
  if (event.event_type !== 'fleet.agent.exited' || event.payload.expected) return [];
  return [{ agentId: event.payload.agent_id, generation: event.payload.generation }];
}

function lossesOf(
  { agentIndex }: FleetParts,
  counted: readonly PastMassLoss[],
  exited: readonly Holder[],
): readonly PastLoss[] {
  const tasksOf = new Map<string, { readonly holder: Holder; readonly taskIds: string[] }>();
  const noted = (holder: Holder): string[] => {
    const key = `${holder.agentId}/${holder.generation}`;
    const lost = tasksOf.get(key) ?? { holder, taskIds: [] };
    tasksOf.set(key, lost);
    return lost.taskIds;
  };
  for (const { holder, taskId } of counted) noted(holder).push(taskId);
  for (const holder of exited) noted(holder);
  const losses = [...tasksOf.values()].flatMap(({ holder, taskIds }) => {
    const agent = agentIndex.get(holder.agentId);
    return agent ? [{ holder, taskIds, agent }] : [];
  });
  const goneOf = new Map<string | null, number>();
  for (const { poolId, row } of new Set(losses.map(({ agent }) => agent)))
    if (hasEnded(row.status)) goneOf.set(poolId, (goneOf.get(poolId) ?? 0) + 1);
  return losses.map(({ holder, taskIds, agent: { poolId, generation, blamedTaskId } }) => ({
    ...holder,
    poolId,
    taskIds,
    living: agentIndex.livingIn(poolId) + (goneOf.get(poolId) ?? 0),
    explained: generation === holder.generation && blamedTaskId !== null,
  }));
}

/** What a server writes as long as agents live, or something happens to them. */
const SIGNS: readonly EventType[] = [
  'fleet.agent.exited',
  'fleet.agent.spawned',
  'fleet.agent.status_changed',
  'fleet.task.claimed',
  'fleet.task.completed',
  'fleet.task.released',
];

/** Until when the server before is known to have run; what agents said is written every few seconds. */
async function lastSignMs({ bus, database }: FleetParts): Promise<number> {
  const [newest] = await bus.list({ types: SIGNS, limit: 1, newestFirst: true });
  const { beatMs } = await database.reader
    .selectFrom('agent_beats')
    .select((select) => select.fn.max('last_heartbeat_at_ms').as('beatMs'))
    .executeTakeFirstOrThrow();
  return Math.max(newest ? Date.parse(newest.at) : 0, beatMs ?? 0);
}
