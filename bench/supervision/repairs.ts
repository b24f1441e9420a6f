import type { SystemEvent } from '#telemetry';
import { percentile, round } from '../tsdb/numbers.ts';
import { atMs, type Replica, type SupervisedFleet } from './fleet.ts';

export type Measured = Readonly<Record<string, number>>;

type EventType = SystemEvent['event_type'];

export const about =
  (type: EventType, { agentId }: Replica) =>
  (event: SystemEvent): boolean =>
    event.event_type === type && 'agent_id' in event.payload && event.payload.agent_id === agentId;

export const remediationOf =
  (type: 'watchdog.remediation.started' | 'watchdog.remediation.completed', { agentId }: Replica) =>
  (event: SystemEvent): boolean =>
    event.event_type === type && event.payload.target === `agent:${agentId}`;

/** Sends a signal to one of a pool's workers; says to whom, after which event and when. */
function strike(
  fleet: SupervisedFleet,
  { victim, signal }: { readonly victim: Replica; readonly signal: NodeJS.Signals },
) {
  const afterId = fleet.lastEventId;
  const atMs = Date.now();
  process.kill(victim.pid, signal);
  return { afterId, atMs };
}

/** A worker for each round: who fails again within the relapse window is left alone for a while, and then for good. */
async function victims(fleet: SupervisedFleet, pool: string, rounds: number): Promise<readonly Replica[]> {
  await fleet.createPool(pool, rounds);
  return fleet.replicas(pool);
}

/**
 * One worker after the other is killed. `ours` is from the kill to the start of the next process; what is left until the
 * replacement is registered is the program's own start.
 */
export async function exitToRunning(fleet: SupervisedFleet, rounds: number): Promise<Measured> {
  const pool = 'exit';
  const replicas = await victims(fleet, pool, rounds);
  const oursMs: number[] = [];
  const runningMs: number[] = [];
  const provenMs: number[] = [];
  for (const victim of replicas) {
    const { afterId, atMs: killedAtMs } = strike(fleet, { victim, signal: 'SIGKILL' });
    const spawned = await fleet.waitFor(about('fleet.agent.spawned', victim), { afterId });
    const registered = await fleet.waitFor(about('fleet.agent.registered', victim), { afterId });
    const proven = await fleet.waitFor(remediationOf('watchdog.remediation.completed', victim), { afterId });
    oursMs.push(atMs(spawned) - killedAtMs);
    runningMs.push(atMs(registered) - killedAtMs);
    provenMs.push(atMs(proven) - killedAtMs);
  }
  await fleet.removePool(pool);
  return {
    kills: replicas.length,
    ours_p50_ms: round(percentile(oursMs, 0.5)),
    ours_p99_ms: round(percentile(oursMs, 0.99)),
    running_p50_ms: round(percentile(runningMs, 0.5)),
    running_p99_ms: round(percentile(runningMs, 0.99)),
    proven_p50_ms: round(percentile(provenMs, 0.5)),
  };
}

/**
 * All workers of a pool are killed at once. Orders are what the watchdog has begun, which is what its rate bounds; starts are
 * processes, which follow when the machine comes to it: on a busy one later, and more of them together. All are back when
 * each has registered anew: one that was repaired twice makes up for no other.
 */
export async function allAtOnce(fleet: SupervisedFleet, workers: number): Promise<Measured> {
  const pool = 'crowd';
  await fleet.createPool(pool, workers);
  const replicas = await fleet.replicas(pool);
  const afterId = fleet.lastEventId;
  const killedAtMs = Date.now();
  for (const { pid } of replicas) process.kill(pid, 'SIGKILL');
  const back = await Promise.all(
    replicas.map((replica) => fleet.waitFor(about('fleet.agent.registered', replica), { afterId })),
  );
  const since = fleet.eventsAfter(afterId);
  const timesOf = (accepts: (replica: Replica) => (event: SystemEvent) => boolean): readonly number[][] =>
    replicas.map((replica) => since.filter(accepts(replica)).map(atMs));
  const ordersOf = timesOf((replica) => remediationOf('watchdog.remediation.started', replica));
  const startsOf = timesOf((replica) => about('fleet.agent.spawned', replica));
  const waitsMs = startsOf.map((starts, at) => (starts[0] ?? NaN) - (ordersOf[at]?.[0] ?? NaN));
  await fleet.removePool(pool);
  return {
    killed: replicas.length,
    orders: ordersOf.flat().length,
    peak_orders_per_second: mostWithin(ordersOf.flat(), 1000),
    starts: startsOf.flat().length,
    peak_starts_per_second: mostWithin(startsOf.flat(), 1000),
    order_to_start_p50_ms: round(percentile(waitsMs, 0.5)),
    order_to_start_p99_ms: round(percentile(waitsMs, 0.99)),
    first_start_ms: Math.min(...startsOf.flat()) - killedAtMs,
    all_back_ms: Math.max(...back.map(atMs)) - killedAtMs,
  };
}

/** A worker is stopped (SIGSTOP) as one that hangs. */
export async function hangToProven(fleet: SupervisedFleet, rounds: number): Promise<Measured> {
  const pool = 'hang';
  const replicas = await victims(fleet, pool, rounds);
  const noticedMs: number[] = [];
  const provenMs: number[] = [];
  for (const victim of replicas) {
    const { afterId, atMs: hungAtMs } = strike(fleet, { victim, signal: 'SIGSTOP' });
    const noticed = await fleet.waitFor(isGivenUp(victim), { afterId });
    const proven = await fleet.waitFor(remediationOf('watchdog.remediation.completed', victim), { afterId });
    noticedMs.push(atMs(noticed) - hungAtMs);
    provenMs.push(atMs(proven) - atMs(noticed));
  }
  await fleet.removePool(pool);
  return {
    hangs: replicas.length,
    noticed_p50_ms: round(percentile(noticedMs, 0.5)),
    noticed_to_proven_p50_ms: round(percentile(provenMs, 0.5)),
    noticed_to_proven_max_ms: Math.max(...provenMs),
  };
}

/** Of times in ms: the most within any so long. */
function mostWithin(times: readonly number[], withinMs: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return Math.max(
    0,
    ...sorted.map((from, first) => sorted.slice(first).filter((at) => at < from + withinMs).length),
  );
}

const GIVEN_UP: ReadonlySet<string> = new Set(['UNRESPONSIVE', 'STALLED', 'FAILED']);

function isGivenUp({ agentId }: Replica): (event: SystemEvent) => boolean {
  return (event) =>
    event.event_type === 'fleet.agent.status_changed' &&
    event.payload.agent_id === agentId &&
    GIVEN_UP.has(event.payload.to);
}
