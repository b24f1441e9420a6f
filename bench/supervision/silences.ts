import type { SystemEvent } from '#telemetry';
import { percentile, round } from '../tsdb/numbers.ts';
import { atMs, type Replica, type SupervisedFleet } from './fleet.ts';
import { Lateness } from './lateness.ts';
import { about, remediationOf, type Measured } from './repairs.ts';

/** What is promised of one that hangs, from UNRESPONSIVE to the proof. */
const PROVEN_WITHIN_MS = 4000;
/** What the program may take of that to start; one that takes longer shows how much less the machine gives it. */
const USUAL_START_MS = 1000;
/** Longer than a worker's TTL: when its task is taken from it, it has been silent for long. */
const TIME_LIMIT_MS = 5000;

/** How one that computes without end comes to be UNRESPONSIVE: it is not stopped, and its processes do not stand still. */
const HANGS = ['with nothing in hand', 'over a task until its time limit'] as const;

/** Whether the next generation starts beside the one that hangs, or after its end. */
export type Succession = 'overlap' | 'in turn';

interface Silence {
  readonly provenMs: number;
  readonly startMs: number;
  /** Whether the next generation was started before the hung one had ended. */
  readonly overlapped: boolean;
  readonly isLate: boolean;
}

/**
 * Workers whose event loop computes for ever, so that no heartbeat goes out: silent, though their processes use CPU. Each is in a
 * pool of its own. `late` are those that took longer from UNRESPONSIVE to the proof than they may: by as much as their program
 * took longer to start than it does on a machine that has time for it, and as this process was kept waiting, they may.
 */
export async function silenceToProven(
  fleet: SupervisedFleet,
  { succession, rounds }: { readonly succession: Succession; readonly rounds: number },
): Promise<Measured> {
  const silences: Silence[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    const pool = `silence-${turn + 1}`;
    await fleet.createPool(pool, 1, { usualPace: true, overlap: succession === 'overlap' });
    const [victim] = await fleet.replicas(pool);
    if (!victim) throw new Error(`pool ${pool} has no process`);
    silences.push(await silence(fleet, { victim, pool, hang: HANGS[turn % HANGS.length] ?? HANGS[0] }));
    await fleet.removePool(pool);
  }
  const provenMs = silences.map((one) => one.provenMs);
  return {
    silences: silences.length,
    overlapped: silences.filter((one) => one.overlapped).length,
    unresponsive_to_proven_p50_ms: round(percentile(provenMs, 0.5)),
    unresponsive_to_proven_max_ms: Math.max(...provenMs),
    start_max_ms: Math.max(...silences.map((one) => one.startMs)),
    late: silences.filter((one) => one.isLate).length,
  };
}

async function silence(
  fleet: SupervisedFleet,
  { victim, pool, hang }: { victim: Replica; pool: string; hang: (typeof HANGS)[number] },
): Promise<Silence> {
  const afterId = fleet.lastEventId;
  if (hang === 'with nothing in hand') process.kill(victim.pid, 'SIGUSR2');
  else await fleet.client.call('POST', '/api/v1/fleet/tasks', endlessTask(pool));
  const noticed = await fleet.waitFor(isFoundSilent(victim), { afterId });
  const lateness = new Lateness();
  const since = { afterId: noticed.id };
  const proven = await fleet.waitFor(remediationOf('watchdog.remediation.completed', victim), since);
  const latenessMs = lateness.takeLongestMs();
  lateness.stop();
  if (!isHealed(proven)) throw new Error(`the repair of ${victim.agentId} was not proven: ${text(proven)}`);
  const spawned = await fleet.waitFor(about('fleet.agent.spawned', victim), since);
  const registered = await fleet.waitFor(about('fleet.agent.registered', victim), since);
  const ended = await fleet.waitFor(about('fleet.agent.exited', victim), since);
  const provenMs = atMs(proven) - atMs(noticed);
  const startMs = atMs(registered) - atMs(spawned);
  const machineMs = Math.max(0, startMs - USUAL_START_MS) + latenessMs;
  return {
    provenMs,
    startMs,
    overlapped: spawned.id < ended.id,
    isLate: provenMs > PROVEN_WITHIN_MS + machineMs,
  };
}

/** Its worker never comes back from it. It is parked at its first loss: no other worker gets it. */
function endlessTask(pool: string): object {
  return {
    task_type: 'endless',
    phase_id: 'PHASE_TESTING',
    pool_id: pool,
    max_attempts: 1,
    time_limit_ms: TIME_LIMIT_MS,
  };
}

function isFoundSilent({ agentId, generation }: Replica): (event: SystemEvent) => boolean {
  return ({ event_type: type, payload }) => {
    if (type !== 'fleet.agent.status_changed') return false;
    if (payload.agent_id !== agentId || payload.generation !== generation) return false;
    return payload.to === 'UNRESPONSIVE';
  };
}

function isHealed({ event_type: type, payload }: SystemEvent): boolean {
  return type === 'watchdog.remediation.completed' && payload.outcome === 'healed';
}

const text = ({ payload }: SystemEvent): string => JSON.stringify(payload);
