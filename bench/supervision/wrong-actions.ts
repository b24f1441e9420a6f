import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { omoi } from '../../tests/acceptance/support/omoi-process.ts';
import { HEARTBEAT_INTERVAL_MS, type Replica, type SupervisedFleet } from './fleet.ts';
import { Lateness } from './lateness.ts';
import type { Measured } from './repairs.ts';

const TTL_MS = 3500;
/** Long enough for a wrong judgement to be acted upon: three TTLs and an evaluation. */
const SETTLE_MS = 12_000;
const HANG_SHORTER_THAN_TTL_MS = 900;
/** Between the last beat before a pause and the first one after it there is more silence than the pause. */
const LONGEST_BRIEF_PAUSE_MS = TTL_MS - 3 * HEARTBEAT_INTERVAL_MS;
/** Where the machine lets one process wait for so long, another may be silent for a TTL through no fault of the product's. */
const STANDSTILL_MS = 1000;
/** Of the eight faults of a turn; the others are to others than a worker of the pool. */
const STRUCK_A_TURN = 4;

/** What the faults were done to: only `ill` may be repaired. */
interface Faults {
  readonly ill: Set<string>;
  /** Whose pause has become longer than it was meant to be: whether they were ill is not known. */
  readonly undecided: Set<string>;
  count: number;
}

/**
 * Eight faults a turn on real processes, most of which are none: what is healthy, starting, draining, finished, external or a
 * stranger's must not be acted upon. Counts the remediations that were, and strangers that have died; apart from them
 * (`undecided`) what a machine that had no time for its processes may have made ill.
 */
export async function wrongActions(fleet: SupervisedFleet, turns: number): Promise<Measured> {
  const pool = 'mixed';
  await fleet.createPool(pool, turns * STRUCK_A_TURN, { heartbeatTtlMs: TTL_MS });
  const replicas = await fleet.replicas(pool);
  const strangers = Array.from({ length: 4 }, () => spawn('sleep', ['600'], { stdio: 'ignore' }));
  const faults: Faults = { ill: new Set(), undecided: new Set(), count: 0 };
  const lateness = new Lateness();
  let wrong = 0;
  let undecided = 0;
  let acted = 0;
  let afterId = fleet.lastEventId;
  for (let turn = 0; turn < turns; turn++) {
    const [first, second, third, fourth] = replicas.slice(turn * STRUCK_A_TURN);
    if (!first || !second || !third || !fourth) throw new Error('the pool has too few processes');
    await Promise.all([
      kill(first, faults),
      pauseBriefly(second, faults),
      askToRestart(fleet, { replica: third, faults }),
      pauseBriefly(fourth, faults),
      oneShot(fleet, { faults, command: ['true'] }),
      oneShot(fleet, { faults, command: ['false'] }),
      scaleUpAndDown(fleet, { pool, faults }),
      killedExternal(fleet, faults),
    ]);
    await delay(SETTLE_MS);
    const stoodStill = lateness.takeLongestMs() >= STANDSTILL_MS;
    const targets = fleet
      .eventsAfter(afterId)
      .flatMap((event) =>
        event.event_type === 'watchdog.remediation.started' ? [event.payload.target] : [],
      );
    afterId = fleet.lastEventId;
    acted += targets.length;
    for (const target of targets.filter((one) => !faults.ill.has(one))) {
      if (stoodStill || faults.undecided.has(target)) undecided++;
      else wrong++;
    }
  }
  lateness.stop();
  const dead = strangers.filter((stranger) => !isRunning(stranger)).length;
  for (const stranger of strangers) stranger.kill('SIGKILL');
  await fleet.removePool(pool);
  return { faults: faults.count, ill: faults.ill.size, acted, wrong: wrong + dead, undecided };
}

async function kill({ agentId, pid }: Replica, faults: Faults): Promise<void> {
  faults.count++;
  faults.ill.add(`agent:${agentId}`);
  process.kill(pid, 'SIGKILL');
}

/** Shorter than the TTL: no illness. How long it was is measured, since a busy machine makes it longer. */
async function pauseBriefly({ agentId, pid }: Replica, faults: Faults): Promise<void> {
  faults.count++;
  const stoppedMs = performance.now();
  process.kill(pid, 'SIGSTOP');
  await delay(HANG_SHORTER_THAN_TTL_MS);
  continueIfThere(pid);
  if (performance.now() - stoppedMs > LONGEST_BRIEF_PAUSE_MS) faults.undecided.add(`agent:${agentId}`);
}

/** Who has been replaced meanwhile is gone, and counted by its remediation. */
function continueIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** A person restarts a worker: it drains, ends and starts, and nobody else is to help. */
async function askToRestart(
  fleet: SupervisedFleet,
  { replica, faults }: { readonly replica: Replica; readonly faults: Faults },
): Promise<void> {
  faults.count++;
  const body = { expected_generation: replica.generation, reason: 'bench' };
  await fleet.client.call('POST', `/api/v1/fleet/agents/${replica.agentId}/restart`, body);
}

async function oneShot(
  fleet: SupervisedFleet,
  { faults, command }: { readonly faults: Faults; readonly command: readonly string[] },
): Promise<void> {
  const id = `job-${++faults.count}`;
  await omoi([
    'run',
    '--pool',
    'jobs',
    '--data-directory',
    fleet.dataDirectory,
    '--id',
    id,
    '--',
    ...command,
  ]);
}

/** Workers that start, and are asked to leave again. */
async function scaleUpAndDown(
  fleet: SupervisedFleet,
  { pool, faults }: { readonly pool: string; readonly faults: Faults },
): Promise<void> {
  faults.count++;
  const override = { add: 2, ttl_ms: 3000, reason: 'bench' };
  const path = `/api/v1/fleet/pools/${pool}/scale-overrides/bench-${faults.count}`;
  await fleet.client.call('PUT', path, override);
}

/** The command of an external agent is killed together with its wrapper: nobody is there who could start it again. */
async function killedExternal(fleet: SupervisedFleet, faults: Faults): Promise<void> {
  const id = `external-${++faults.count}`;
  const afterId = fleet.lastEventId;
  const flags = ['--pool', 'externals', '--data-directory', fleet.dataDirectory, '--id', id];
  const wrapper = spawn(process.execPath, ['bin/omoi', 'run', ...flags, '--', 'sleep', '600'], {
    stdio: 'ignore',
    detached: true,
  });
  await fleet.waitFor(
    (event) => event.event_type === 'fleet.agent.registered' && event.payload.agent_id === id,
    { afterId },
  );
  process.kill(-(wrapper.pid ?? 0), 'SIGKILL');
  if (isRunning(wrapper)) await once(wrapper, 'exit');
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
