import { createHash } from 'node:crypto';
import type { Logger } from '#telemetry';
import { between, weighted } from './chance.ts';
import { isBeginning } from './chronicle.ts';
import { assertInvariants, type PolicyLimits } from './invariants/index.ts';
import { commit } from './mischief.ts';
import { ask, dismiss, resume } from './operators.ts';
import type { Scenario } from './scenarios.ts';
import { World } from './world.ts';

export interface RunReport {
  /** Everything that happened, an event a line: the same for the same scenario. */
  readonly log: readonly string[];
  /** Of the log. */
  readonly digest: string;
  readonly virtualMs: number;
  readonly servers: number;
  readonly events: Readonly<Record<string, number>>;
  /** How often each fault was injected. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often the watchdog began to act, each time judged by the invariants. */
  readonly actions: number;
}

const CALM_STEP_MS = 1000;
/** How long a world in which nothing is wrong any more may take to be well: less than a look-back window, 5 min. */
const MAX_CALM_MS = 240_000;

/**
 * Runs a world through a scenario and asserts the invariants after every step; then lets it come to rest and expects
 * it to be well.
 * @throws Error that names the seed, the step and the invariant that does not hold
 */
export async function simulate(scenario: Scenario): Promise<RunReport> {
  const log = new Keepsake();
  const { mode, without, fleet } = scenario;
  const world = new World(scenario.seed, {
    mode,
    logger: log,
    ...(without && { without }),
    ...(fleet && { fleet }),
  });
  const observer = new Observer(world);
  let step = 0;
  try {
    for (; step < scenario.steps; step++) {
      const mischief = weighted(world.random, scenario.mischief);
      if (mischief) commit(mischief, world);
      log.note(world.clock.monotonicMs(), mischief ?? 'nothing');
      await world.advance(between(world.random, 20, 600));
      observer.look();
    }
    await comeToRest(world, observer);
    return observer.report();
  } catch (thrown) {
    const { name, seed, steps } = scenario;
    const replay =
      `OMOI_SIMULATION_SCENARIO=${name} OMOI_SIMULATION_MODE=${scenario.mode} ` +
      `OMOI_SIMULATION_SEED=${seed} OMOI_SIMULATION_STEPS=${steps}`;
    const what = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `step ${step} of ${replay}: ${what}`;
    throw new Error(`${message}\n${log.lines.join('\n')}`, { cause: thrown });
  } finally {
    await world.close();
  }
}

/** Everything is healed, and an operator sees to what was left to people: then all work gets done. */
async function comeToRest(world: World, observer: Observer): Promise<void> {
  world.heal();
  let leftToDo = Infinity;
  let lastDoneMs = 0;
  for (let calmMs = 0; ; calmMs += CALM_STEP_MS) {
    if (calmMs % 30_000 === 0) restartWhatIsDown(world);
    await world.advance(CALM_STEP_MS);
    observer.look();
    const unrest = observer.unrest();
    if (unrest === null) return;
    // A few workers may have a flood to work off: while tasks get done, the rest is waited for.
    const waiting = observer.waitingTasks();
    if (waiting < leftToDo) [leftToDo, lastDoneMs] = [waiting, calmMs];
    // Who has lost them all, many times, pauses for up to five minutes: that is no standstill.
    if (waiting > 0 && observer.deferredTasks() === waiting) lastDoneMs = calmMs;
    if (calmMs - lastDoneMs >= MAX_CALM_MS) throw new Error(`after ${calmMs} ms of calm ${unrest}`);
  }
}

function restartWhatIsDown(world: World): void {
  const asked = { reason: 'it is down', by: 'operator', traceparent: null };
  resume(world);
  for (const [agentId, { status }] of world.chronicle.agents) {
    if (status === 'QUARANTINED')
      ask(world, ({ fleet }) => fleet.agents.release({ agentId, reason: 'all is well', traceparent: null }));
    if (status !== 'FAILED') continue;
    // What was run beside the pools its person takes off the list.
    if (world.ledger.oneShots.has(agentId)) dismiss(world, agentId);
    else ask(world, ({ pools }) => pools.restart({ agentId, ...asked }));
  }
  for (const [taskId, { state }] of world.chronicle.tasks) {
    if (state === 'parked') ask(world, ({ fleet }) => fleet.tasks.cancel(taskId, asked));
  }
}

/** Sees the world from outside, step by step. */
class Observer {
  readonly #world: World;
  #policies: readonly PolicyLimits[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  look(): void {
    const { chronicle, archive, ledger, machine, mode, clock, server, wallOffsetMs } = this.#world;
    if (ledger.starts.length === 0) return;
    if (server) {
      this.#policies = server.parts.watchdog.policies.list().map((policy) => ({
        name: policy.name,
        maxParallel: policy.guards.max_parallel,
        maxStarts: policy.guards.max_starts,
        windowMs: policy.guards.window,
        cooldownMs: policy.guards.cooldown,
        relapseWindowMs: policy.relapse_window,
        withinMs: Math.max(...policy.steps.map(({ verify }) => verify.within)),
        repairBurst: policy.guards.repair_burst,
        repairEveryMs: policy.guards.repair_every,
      }));
    }
    chronicle.take(
      archive.eventsAfter(chronicle.lastId, wallOffsetMs),
      archive.plansAfter(chronicle.plannedAtMs.size, wallOffsetMs),
    );
    assertInvariants({
      nowMs: clock.monotonicMs(),
      mode,
      archive,
      chronicle,
      ledger,
      processes: machine.processes,
      policies: this.#policies,
      serverRuns: server !== null,
      pools: this.#world.pools,
    });
  }

  waitingTasks(): number {
    const { archive } = this.#world;
    return archive.count(`SELECT count(*) AS count FROM tasks WHERE state IN ('queued', 'claimed')`);
  }

  /** Those that nobody may claim yet, because they were lost or have failed. */
  deferredTasks(): number {
    const { archive, clock } = this.#world;
    return archive.count(
      `SELECT count(*) AS count FROM tasks WHERE state = 'queued' AND deferred_until_ms > ${clock.wallMs()}`,
    );
  }

  /** What is not as it should be in a world where nothing is wrong; null where all is well. */
  unrest(): string | null {
    const { archive, chronicle, machine, server } = this.#world;
    if (!server) return 'no server runs';
    const waiting = this.waitingTasks();
    if (waiting > 0) return `${waiting} tasks are not done`;
    for (const pool of archive.rows(
      `SELECT pool_id, json_extract(definition, '$.desired') AS desired FROM pools`,
    )) {
      const wanted = archive.rows(
        `SELECT * FROM agent_units WHERE desired_state = 'run' AND state = 'running'`,
      );
      const ofPool = wanted.filter((row) => row['pool_id'] === pool['pool_id']);
      const alive = ofPool.filter((row) => machine.find(String(row['handle'])));
      if (alive.length !== pool['desired'])
        return `pool ${pool['pool_id']} has ${alive.length} of ${pool['desired']} agents`;
    }
    const live = machine.processes.length;
    const recorded = archive.count(
      `SELECT count(*) AS count FROM agent_units WHERE desired_state = 'run' AND state = 'running'`,
    );
    if (live !== recorded) return `${live} processes live, ${recorded} are wanted`;
    for (const [agentId, { status }] of chronicle.agents) {
      if (status !== 'IDLE' && status !== 'TERMINATED') return `agent ${agentId} is ${status}`;
    }
    const open = archive.rows(
      `SELECT id, state FROM remediations WHERE state NOT IN ('completed', 'escalated', 'cancelled')`,
    );
    if (open.length > 0) return `remediation ${open[0]?.['id']} is ${open[0]?.['state']}`;
    const [firing] = archive.rows(
      `SELECT rule_id, labels FROM alerts WHERE state = 'firing' AND severity != 'info'`,
    );
    return firing ? `${firing['rule_id']} fires for ${firing['labels']}` : null;
  }

  report(): RunReport {
    const { chronicle, clock, ledger } = this.#world;
    const events: Record<string, number> = {};
    for (const { type } of chronicle.events) events[type] = (events[type] ?? 0) + 1;
    const log = chronicle.events.map(
      ({ id, type, entityId, writtenAtMs, payload }) =>
        `${id} ${writtenAtMs} ${type} ${entityId} ${JSON.stringify(payload)}`,
    );
    return {
      log,
      digest: createHash('sha256').update(log.join('\n')).digest('hex'),
      virtualMs: clock.monotonicMs(),
      servers: ledger.starts.length,
      events,
      faults: ledger.faults,
      actions: chronicle.events.filter(isBeginning).length,
    };
  }
}

const MAX_KEPT_LINES = 60;

/** The last words of the servers, and what was done to them: for the report of a failure. */
class Keepsake implements Logger {
  readonly lines: string[] = [];

  debug(): void {}

  info(fields: object, message: string): void {
    this.#keep('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message);
  }

  note(atMs: number, mischief: string): void {
    if (mischief !== 'nothing') this.#keep('world', { atMs }, mischief);
  }

  #keep(level: string, fields: object, message: string): void {
    this.lines.push(`${level}: ${message} ${JSON.stringify(fields)}`);
    if (this.lines.length > MAX_KEPT_LINES) this.lines.shift();
  }
}
