import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeTestStateDatabase } from '#storage';
import {
  createSeededRandom,
  definePool,
  GUARDS,
  silentLogger,
  VirtualClock,
  type Guard,
  type Logger,
  type PolicyMode,
  type PoolDefinition,
  type Random,
} from '#telemetry';
import { configSchema } from '../../src/server/config/schema.ts';
import { demoPools } from '../../src/server/demo.ts';
import { BusyHost } from './busy-host.ts';
import { between } from './chance.ts';
import { Archive, Chronicle } from './chronicle.ts';
import { DemoFeeder } from './demo-feeder.ts';
import { Disk } from './faulty-database.ts';
import { Gossip, FLEET_RULES, GOSSIP_FILES } from './gossip.ts';
import { Incarnation } from './incarnation.ts';
import { Ledger } from './ledger.ts';
import type { LogFiles } from './log-disk.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { OneShots } from './one-shots.ts';
import { Strangers } from './strangers.ts';

const MAX_DOWNTIME_MS = 12_000;
const RETRY_START_MS = 1000;
/** Turns of the event loop after which what has not ended waits for time to pass. */
const TURNS_UNTIL_TIME_PASSES = 100;
const WAITING_STEP_MS = 50;

const POOL = { command: ['simulated'], min: 1, graceMs: 3000 } as const;

const TWO_POOLS: readonly PoolDefinition[] = [
  definePool({ ...POOL, id: 'coders', overlap: true, phaseId: 'PHASE_IMPLEMENTATION', desired: 6, max: 9 }),
  definePool({ ...POOL, id: 'testers', phaseId: 'PHASE_TESTING', desired: 2, max: 5 }),
];

export interface WorldOptions {
  readonly mode: PolicyMode;
  readonly logger?: Logger;
  /** Guards of the watchdog that are switched off. */
  readonly without?: readonly Guard[];
  /** The fleet of `omoi serve --demo`, with its feeder, in place of two pools whose tasks come by chance. */
  readonly fleet?: 'demo';
}

/** A server, the machine and the disk under it, and all who speak with it: one clock, one seed. */
export class World {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly ledger = new Ledger();
  readonly disk = new Disk();
  readonly network: Network;
  readonly machine: Machine;
  readonly strangers: Strangers;
  readonly oneShots: OneShots;
  readonly gossip: Gossip;
  readonly chronicle = new Chronicle();
  readonly mode: PolicyMode;
  readonly pools: readonly PoolDefinition[];
  readonly host = new BusyHost(this);
  /** Somebody has sent the server SIGTERM. */
  stopWanted = false;
  readonly #directory = mkdtempSync(join(tmpdir(), 'omoi-simulation-'));
  readonly #logFiles: LogFiles = new Map();
  readonly #logger: Logger;
  readonly #guards: readonly Guard[];
  readonly #feeder: DemoFeeder | null;
  #server: Incarnation | null = null;
  #archive: Archive | null = null;
  #startAtMs = 0;

  constructor(seed: number, options: WorldOptions) {
    this.random = createSeededRandom(seed);
    this.mode = options.mode;
    this.#logger = options.logger ?? silentLogger;
    this.#guards = GUARDS.filter((guard) => !options.without?.includes(guard));
    this.network = new Network(this.clock, this.random, this.ledger);
    const workers = {
      clock: this.clock,
      random: this.random,
      network: this.network,
      ledger: this.ledger,
    };
    this.machine = new Machine(workers);
    this.strangers = new Strangers(workers, 'PHASE_IMPLEMENTATION');
    this.oneShots = new OneShots(workers);
    this.gossip = new Gossip(workers);
    this.pools = options.fleet === 'demo' ? demoPools(this.#directory, undefined) : TWO_POOLS;
    this.#feeder = options.fleet === 'demo' ? new DemoFeeder({ ...workers, machine: this.machine }) : null;
  }

  /** The server process, while one runs. */
  get server(): Incarnation | null {
    return this.#server;
  }

  get archive(): Archive {
    return (this.#archive ??= new Archive(join(this.#directory, 'state.sqlite')));
  }

  get wallOffsetMs(): number {
    return this.clock.wallMs() - this.clock.monotonicMs();
  }

  /** Moves time forward; a server that died is started again when its time has come. */
  async advance(byMs: number): Promise<void> {
    if (!this.#server && this.#startAtMs <= this.clock.monotonicMs()) await this.#startServer();
    if (this.stopWanted) await this.#stopServer();
    await this.clock.advance(byMs);
    const server = this.#server;
    if (!server) return;
    if (!server.gate.isOpen) await this.#bury(server, between(this.random, 50, MAX_DOWNTIME_MS));
    else if (server.transactionsInFlight > 0)
      throw new Error('a transaction has not ended between two steps: the run would not replay');
  }

  /** @returns whether there was a server that did anything */
  stallServer(forMs: number): boolean {
    const fromMs = this.clock.monotonicMs();
    if (!this.#server?.clock.stall(forMs)) return false;
    this.ledger.blindness.push({ what: 'stall', fromMs, untilMs: fromMs + forMs });
    this.ledger.hindered(fromMs + forMs);
    return true;
  }

  /** @returns whether it was well before */
  breakDisk(state: 'failing' | 'full', forMs: number): boolean {
    if (this.disk.state !== 'well') return false;
    const fromMs = this.clock.monotonicMs();
    this.disk.state = state;
    this.ledger.hindered(fromMs + forMs);
    this.clock.after(forMs, () => {
      this.disk.state = 'well';
      const untilMs = this.clock.monotonicMs();
      if (this.disk.takeFailures() > 0) this.ledger.blindness.push({ what: 'outage', fromMs, untilMs });
    });
    return true;
  }

  stepWallClock(byMs: number): void {
    this.clock.stepWallClock(byMs);
    this.ledger.wallClockWasSet(this.clock.monotonicMs(), byMs);
  }

  /** Power is lost: server and agents end, the machine has another boot id, and its boot clock begins at 0. */
  reboot(): void {
    this.#server?.crash();
    this.machine.reboot();
    this.clock.reboot();
    this.ledger.rebooted(this.clock.monotonicMs());
  }

  /** Everything that was wrong is right from now on. */
  heal(): void {
    this.host.rest();
    this.#feeder?.rest();
    this.disk.spare();
    this.disk.state = 'well';
    this.machine.refusalShare = 0;
    this.machine.repairPrograms();
    this.network.heal();
    this.gossip.fallSilent();
    this.strangers.wakeAll();
    for (const { worker } of this.machine.processes) {
      worker.wake();
      worker.slowness = 1;
      worker.isUnseen = false;
    }
  }

  async close(): Promise<void> {
    if (this.#server) await this.#bury(this.#server, 0);
    this.#archive?.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #startServer(): Promise<void> {
    // Before anything of the server waits: what is real takes no virtual time here.
    if (this.ledger.launches.length === 0) await writeTestStateDatabase(this.#directory);
    this.ledger.launches.push(this.clock.monotonicMs());
    const server = new Incarnation({
      clock: this.clock,
      // Its own chance: what a dying process still draws must not move the world's.
      seed: Math.floor(this.random.next() * 2 ** 32),
      directory: this.#directory,
      disk: this.disk,
      logFiles: this.#logFiles,
      machine: this.machine,
      config: configSchema.parse({
        alerting: { disable: ['*'], rule_files: [FLEET_RULES, GOSSIP_FILES.rules] },
        watchdog: { mode: this.mode, policy_files: [GOSSIP_FILES.policy] },
      }),
      pools: this.pools,
      guards: this.#guards,
      logger: this.#logger,
    });
    const outcome = await this.#settled(
      server.start().then(
        () => null,
        (thrown: unknown) => thrown,
      ),
      server,
    );
    if (outcome === null && server.gate.isOpen) {
      this.#server = server;
      this.network.server = server;
      this.ledger.starts.push(this.clock.monotonicMs());
      return;
    }
    if (outcome !== null && !isDiskError(outcome)) throw outcome;
    await this.#bury(server, RETRY_START_MS);
  }

  async #stopServer(): Promise<void> {
    this.stopWanted = false;
    const server = this.#server;
    if (!server) return;
    this.network.server = null;
    await this.#settled(server.stop(), server);
    await this.#bury(server, between(this.random, 50, MAX_DOWNTIME_MS));
  }

  async #bury(server: Incarnation, downForMs: number): Promise<void> {
    this.#server = null;
    this.network.server = null;
    this.ledger.died(this.clock.monotonicMs());
    this.#startAtMs = this.clock.monotonicMs() + downForMs;
    await server.bury();
  }

  /** Waits for what needs turns of the event loop, and for what needs time lets some pass; null where it died. */
  async #settled<Result>(work: Promise<Result>, server: Incarnation): Promise<Result | null> {
    const progress = { ended: false };
    const outcome = Promise.race([work, server.gate.closed.then(() => null)]).finally(() => {
      progress.ended = true;
    });
    for (let turns = 0; !progress.ended; turns++) {
      assertNothingReal();
      if (turns < TURNS_UNTIL_TIME_PASSES) await new Promise((resolve) => setImmediate(resolve));
      else await this.clock.advance(WAITING_STEP_MS);
    }
    return outcome;
  }
}

/**
 * How long a real file takes to be read differs from run to run, and virtual time passes meanwhile: whatever a server
 * awaits comes from the world. @throws Error naming what it awaits
 */
function assertNothingReal(): void {
  const real = process.getActiveResourcesInfo().filter((resource) => resource.startsWith('FSReq'));
  if (real.length > 0)
    throw new Error(`the server waits for real files (${real.join()}): the run would not replay`);
}

function isDiskError(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : null;
  return ['database_failed', 'storage_full', 'storage_failed', 'EIO', 'ENOSPC'].includes(String(code));
}
