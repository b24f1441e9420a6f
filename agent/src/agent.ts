import { MetricRegistry, type Counter, type Gauge, type Histogram } from './metrics.ts';
import type { HistogramOptions, InstrumentOptions, MetricLabels } from './metrics.ts';
import { resolveSettings, type AgentOptions, type Settings } from './options.ts';
import { agentPath, Presence, type InFlight } from './presence.ts';
import { ServerLink } from './server-link.ts';
import type { TaskHandler } from './task-run.ts';
import { settlesWithin } from './wait.ts';
import { WorkLoop, type WorkOptions } from './work-loop.ts';
import type { DeregisterRequest, ExitExpectation } from './wire.ts';

/** An agent of an Omoi fleet. No method throws or rejects; what goes wrong is told to `onError`. */
export interface Agent {
  /** False when no server is configured: every method does nothing then. */
  readonly enabled: boolean;
  readonly agentId: string | null;
  /** null until the server has given one. */
  readonly generation: number | null;
  /** Claims tasks and runs `handler` for each, until the agent drains. Once an agent. */
  work(handler: TaskHandler, options?: WorkOptions): void;
  counter(name: string, options?: InstrumentOptions): Counter;
  gauge(name: string, options?: InstrumentOptions): Gauge;
  histogram(name: string, options?: HistogramOptions): Histogram;
  /** Says with the next heartbeat that the agent is not well; null that it is again. */
  degraded(reason: string | null): void;
  /** Claims nothing more, finishes what is in flight within the grace, deregisters. Resolves when it is done. */
  drain(farewell?: Farewell): Promise<void>;
}

/** What the server is told when the agent leaves. */
export interface Farewell {
  readonly reason?: string;
  /** How a watched process ended, where the agent stands for one. */
  readonly exitCode?: number | null;
  readonly signal?: string | null;
  /** Whether somebody had asked it to end, so that this is no failure; `reason` says who or how. */
  readonly asked?: boolean;
  /** Whether the watched process was to end by itself (`once`, the default) or never (`forever`). */
  readonly expect?: ExitExpectation;
  /** The end of what the watched process put out, for people to read; what is longer than 4096 characters is cut. */
  readonly lastOutput?: string;
  /** Tells the server nothing: who started the process sees how it ended. */
  readonly silent?: true;
}

/**
 * Registers this process with the server and beats for it from now on.
 * Options that are left out come from the environment that Omoi gives to the processes it starts.
 */
export function createAgent(options: AgentOptions = {}): Agent {
  const onError = guardedErrors(options.onError);
  try {
    const settings = resolveSettings(options, process.env);
    if (settings) return new ConnectedAgent(settings, onError);
  } catch (thrown) {
    onError(thrown);
  }
  return NO_AGENT;
}

const NO_AGENT: Agent = {
  enabled: false,
  agentId: null,
  generation: null,
  work() {},
  counter: () => ({ add() {} }),
  gauge: () => ({ set() {} }),
  histogram: () => ({ record() {} }),
  degraded() {},
  drain: () => Promise.resolve(),
};

/** After the grace: for the handlers to notice that they were aborted, and to say goodbye to the server. */
const FAREWELL_MS = 2000;
/** A server that has not answered before is not waited for: who ends must not hang on it. */
const FAREWELL_TO_AWAY_MS = 250;

class ConnectedAgent implements Agent {
  readonly enabled = true;
  readonly #settings: Settings;
  readonly #onError: (error: unknown) => void;
  readonly #link: ServerLink;
  readonly #metricsLink: ServerLink;
  readonly #presence: Presence;
  readonly #metrics = new MetricRegistry();
  readonly #exporting: NodeJS.Timeout;
  #work: WorkLoop | null = null;
  #draining: Promise<void> | null = null;
  #superseded = false;

  constructor(settings: Settings, onError: (error: unknown) => void) {
    this.#settings = settings;
    this.#onError = onError;
    this.#link = new ServerLink({
      url: settings.url,
      token: settings.token,
      onSeen: (seen) => this.#presence.seen(seen),
    });
    this.#metricsLink = new ServerLink({ url: settings.metricsUrl, token: settings.token });
    const { onLeave } = settings;
    this.#presence = new Presence(this.#link, settings, {
      onLeave: (reason) =>
        this.#guarded<unknown>(() => (onLeave ? onLeave(reason) : this.#leave(reason)), null),
      onSuperseded: (message) => this.#supersede(message),
      onError,
      inFlight: () => this.#inFlight(),
      processActivity: () => this.#guarded(() => settings.processActivity?.(), undefined),
    });
    this.#exporting = setInterval(() => void this.#exportMetrics(), settings.metricsIntervalMs);
    this.#exporting.unref();
    if (settings.handleSigterm) process.on('SIGTERM', this.#onSigterm);
    void this.#presence.run().catch(onError);
  }

  get agentId(): string {
    return this.#settings.agentId;
  }

  get generation(): number | null {
    return this.#presence.generation;
  }

  work(handler: TaskHandler, options: WorkOptions = {}): void {
    if (this.#work || this.#draining) {
      this.#onError(this.#work ? 'work() was called twice' : 'the agent is draining');
      return;
    }
    this.#work = new WorkLoop({
      link: this.#link,
      presence: this.#presence,
      agentId: this.#settings.agentId,
      handler,
      options,
      onError: this.#onError,
    });
    void this.#work.run().catch(this.#onError);
  }

  counter(name: string, options?: InstrumentOptions): Counter {
    return this.#guarded(() => this.#metrics.counter(name, options), NO_AGENT.counter(name));
  }

  gauge(name: string, options?: InstrumentOptions): Gauge {
    return this.#guarded(() => this.#metrics.gauge(name, options), NO_AGENT.gauge(name));
  }

  histogram(name: string, options?: HistogramOptions): Histogram {
    return this.#guarded(() => this.#metrics.histogram(name, options), NO_AGENT.histogram(name));
  }

  degraded(reason: string | null): void {
    this.#presence.report({ health: reason === null ? 'ok' : 'degraded', reason });
  }

  drain(farewell: Farewell = {}): Promise<void> {
    this.#draining ??= this.#drain(farewell).catch(this.#onError);
    return this.#draining;
  }

  readonly #onSigterm = (): void => void this.#leave('SIGTERM');

  /** Drains and ends the process, unless the host takes care of SIGTERM itself. */
  async #leave(reason: string): Promise<void> {
    const hostListens = process.listenerCount('SIGTERM') > 1;
    await this.drain({ reason });
    if (this.#settings.handleSigterm && !hostListens) process.exit(0);
  }

  /** What this process still does will be refused: its work is aborted, and it does not say goodbye. */
  #supersede(message: string): void {
    if (this.#superseded) return;
    this.#superseded = true;
    this.#onError(`generation ${this.generation ?? '?'} is superseded: ${message}`);
    this.#work?.abortAll(Object.assign(new Error(message), { code: 'generation_superseded' }));
    void this.#leave('superseded');
  }

  async #drain(farewell: Farewell): Promise<void> {
    this.#work?.stopClaiming();
    await this.#finishWork();
    this.#presence.end();
    clearInterval(this.#exporting);
    await this.#exportMetrics();
    const generation = this.#presence.generation;
    if (generation !== null && !this.#superseded && !farewell.silent) {
      const request: DeregisterRequest = {
        generation,
        reason: farewell.reason ?? 'drained by its host',
        exit_code: farewell.exitCode ?? null,
        signal: farewell.signal ?? null,
        asked: farewell.asked,
        expect: farewell.expect,
        last_output: farewell.lastOutput,
      };
      const path = agentPath(this.#settings.agentId, 'deregister');
      const timeoutMs = this.#link.awayMs > 0 ? FAREWELL_TO_AWAY_MS : FAREWELL_MS;
      await this.#link.post(path, request, { timeoutMs });
    }
    process.off('SIGTERM', this.#onSigterm);
    this.#link.close();
    this.#metricsLink.close();
  }

  async #finishWork(): Promise<void> {
    const work = this.#work;
    if (!work) return;
    const idle = work.idle();
    if (await settlesWithin(idle, this.#settings.graceMs)) return;
    work.abortAll(new Error('the grace is over'));
    if (await settlesWithin(idle, FAREWELL_MS)) return;
    work.abandonAll();
    await settlesWithin(idle, FAREWELL_MS);
  }

  async #exportMetrics(): Promise<void> {
    const { agentId, agentType, poolId } = this.#settings;
    const resource: MetricLabels = {
      'service.name': process.env['OTEL_SERVICE_NAME'] ?? poolId ?? agentType,
      'service.instance.id': agentId,
      'omoi.agent.id': agentId,
      'omoi.agent.generation': String(this.generation ?? 0),
      ...(poolId !== null && { 'omoi.pool.id': poolId }),
    };
    const request = this.#metrics.export(resource);
    if (request === null) return;
    const answer = await this.#metricsLink.post('/v1/metrics', request);
    if (answer.kind === 'refused') this.#onError(`metrics were refused: ${answer.message}`);
  }

  #inFlight(): InFlight {
    const besides = this.#guarded(this.#settings.inFlight, 0);
    return { claimed: this.#work?.inFlight ?? 0, besides: Math.max(0, Math.floor(besides)) };
  }

  #guarded<Value>(run: () => Value, otherwise: Value): Value {
    try {
      return run();
    } catch (thrown) {
      this.#onError(thrown);
      return otherwise;
    }
  }
}

function guardedErrors(onError: ((error: Error) => void) | undefined): (error: unknown) => void {
  return (thrown) => {
    try {
      onError?.(thrown instanceof Error ? thrown : new Error(String(thrown)));
    } catch {
      // The host's own listener failed: there is nobody left to tell.
    }
  };
}
