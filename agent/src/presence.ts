import { noOmoi, type Answer, type Seen, type ServerLink } from './server-link.ts';
import type { Settings } from './options.ts';
import { wait } from './wait.ts';
import type {
  HeartbeatAnswer,
  HeartbeatRequest,
  ProcessActivity,
  ProcessReport,
  RegisterAnswer,
  RegisterRequest,
} from './wire.ts';

/** What the presence asks of the agent that it stands for. */
export interface PresenceEvents {
  /** The server wants the agent to finish and leave, or has been away for too long. */
  onLeave(reason: string): void;
  /** A newer generation runs, or another process holds this one: whatever this one does will be refused. */
  onSuperseded(message: string): void;
  onError(error: unknown): void;
  inFlight(): InFlight;
  /** What the processes do that the agent beats for; undefined: it beats for itself. */
  processActivity(): ProcessActivity | ProcessReport | undefined;
}

/** Pieces of work that go on. */
export interface InFlight {
  /** Of tasks that were claimed: the server knows of them. */
  readonly claimed: number;
  readonly besides: number;
}

type PresenceLink = Pick<ServerLink, 'post' | 'backOff' | 'awayMs'>;

export interface Health {
  readonly health: 'ok' | 'degraded';
  readonly reason: string | null;
}

const SLOWEST_BEAT_MS = 60_000;
const USUAL_BEAT_MS = 1000;
const FASTEST_BEAT_MS = 10;
const MAX_REASON_LENGTH = 500;
/** Answers after which the server has to be told anew who this is. */
export const FORGOTTEN_CODES = new Set(['unknown_agent', 'unknown_generation', 'agent_gone']);

/** Where an agent reports. */
export function agentPath(agentId: string, report: 'heartbeat' | 'deregister'): string {
  return `/api/v1/fleet/agents/${encodeURIComponent(agentId)}/${report}`;
}

/**
 * Registers the agent and beats for it, through every absence of the server. A beat is left out while other requests
 * count as one and it would say nothing new.
 */
export class Presence {
  readonly #link: PresenceLink;
  readonly #settings: Settings;
  readonly #events: PresenceEvents;
  readonly #ending = new AbortController();
  #generation: number | null;
  #registered = false;
  #intervalMs = USUAL_BEAT_MS;
  #sequence = 0;
  /** When the last beat, or request that counted as one, was sent; by `performance.now()`. */
  #seenAtMs = 0;
  /** What the last beat said to be in flight besides claimed tasks. */
  #besides = 0;
  #health: Health = { health: 'ok', reason: null };
  #leaving = false;
  /** Aborts when the next beat shall not wait. */
  #wake = new AbortController();
  #waitingForRegistration: (() => void)[] = [];

  constructor(link: PresenceLink, settings: Settings, events: PresenceEvents) {
    this.#link = link;
    this.#settings = settings;
    this.#events = events;
    this.#generation = settings.generation;
  }

  /** null before the first registration of an agent that Omoi did not start. */
  get generation(): number | null {
    return this.#generation;
  }

  /** Resolves with the generation once registered, with null when the presence has ended before. */
  async registered(): Promise<number | null> {
    while (!this.#registered && !this.#ending.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#waitingForRegistration.push(resolve);
      });
    }
    return this.#ending.signal.aborted ? null : this.#generation;
  }

  /** The server no longer knows the agent: register again. */
  forgotten(): void {
    this.#registered = false;
    this.#wake.abort();
  }

  /** What the next heartbeat says; it is sent at once. */
  report(health: Health): void {
    this.#health = health;
    this.#wake.abort();
  }

  /** The server took a request of the agent's for a sign of life. */
  seen({ desired, sentAtMs }: Seen): void {
    this.#seenAtMs = Math.max(this.#seenAtMs, sentAtMs);
    if (desired === 'drain') this.#leave('drain requested');
  }

  async run(): Promise<void> {
    for (let failures = 0; !this.#ending.signal.aborted;) {
      const answer = this.#registered ? await this.#beat() : await this.#register();
      if (this.#ending.signal.aborted) return;
      if (answer.kind === 'ok') {
        failures = 0;
        await this.#pause();
        continue;
      }
      if (answer.kind === 'refused') this.#refused(answer.code, answer.message);
      else this.#away(answer.message, failures);
      // No less often than it would beat anyway: a server that is back must not take its silence for death.
      const longestMs = this.#intervalMs;
      await this.#link.backOff(failures++, { signal: this.#ending.signal, background: true, longestMs });
    }
  }

  end(): void {
    this.#ending.abort();
    this.#releaseWaiting();
  }

  async #register(): Promise<Answer<RegisterAnswer>> {
    const settings = this.#settings;
    const request: RegisterRequest = {
      agent_id: settings.agentId,
      agent_type: settings.agentType,
      generation: settings.generation,
      nonce: settings.nonce,
      pool_id: settings.poolId,
      phase_id: settings.phaseId,
      labels: settings.labels,
      capabilities: settings.capabilities,
      heartbeat_interval_ms: settings.heartbeatIntervalMs,
      heartbeat_ttl_ms: settings.heartbeatTtlMs,
    };
    const answer = await this.#link.post<RegisterAnswer>('/api/v1/fleet/agents', request, {
      signal: this.#ending.signal,
    });
    if (answer.kind === 'ok') {
      const { generation } = answer.body;
      if (typeof generation !== 'number') return { kind: 'away', message: noOmoi(settings.url) };
      if (this.#generation !== generation) this.#sequence = 0;
      this.#generation = generation;
      this.#beatEvery(answer.body.heartbeat_interval_ms);
      this.#registered = true;
      this.#releaseWaiting();
    }
    return answer;
  }

  async #beat(): Promise<Answer<HeartbeatAnswer>> {
    const { health, reason } = this.#health;
    // Asked first: what is in flight may follow from it.
    const activity = this.#events.processActivity();
    const { claimed, besides } = this.#events.inFlight();
    this.#besides = besides;
    this.#seenAtMs = performance.now();
    const request: HeartbeatRequest = {
      generation: this.#generation ?? 0,
      sequence: ++this.#sequence,
      health,
      reason: reason?.slice(0, MAX_REASON_LENGTH) ?? null,
      in_flight: claimed + besides,
      nonce: this.#settings.nonce,
      process_activity: activity,
    };
    const path = agentPath(this.#settings.agentId, 'heartbeat');
    const answer = await this.#link.post<HeartbeatAnswer>(path, request, { signal: this.#ending.signal });
    if (answer.kind === 'ok') {
      this.#beatEvery(answer.body.heartbeat_interval_ms);
    }
    return answer;
  }

  #refused(code: string, message: string): void {
    // Who brought a generation along, or had it, can't be the agent any more. Anybody else waits for the place.
    const owned = this.#registered || this.#settings.generation !== null;
    const final =
      code === 'generation_superseded' ||
      (code === 'generation_taken' && owned) ||
      (code === 'agent_gone' && !this.#registered);
    if (final) {
      this.#events.onSuperseded(message);
      return;
    }
    if (FORGOTTEN_CODES.has(code) && this.#registered) this.#registered = false;
    else this.#events.onError(`${code}: ${message}`);
  }

  #away(message: string, failures: number): void {
    if (failures === 0) this.#events.onError(`the server is away: ${message}`);
    // A server that comes back may have lost sight of this process: it is told again, with the same nonce.
    this.#registered = false;
    if (this.#settings.onOrphan === 'leave' && this.#link.awayMs >= this.#settings.orphanTimeoutMs) {
      this.#leave('the server stayed away');
    }
  }

  #leave(reason: string): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#events.onLeave(reason);
  }

  #beatEvery(intervalMs: number): void {
    if (intervalMs >= FASTEST_BEAT_MS) this.#intervalMs = Math.min(SLOWEST_BEAT_MS, intervalMs);
  }

  #releaseWaiting(): void {
    for (const resolve of this.#waitingForRegistration.splice(0)) resolve();
  }

  /**
   * One interval after the last beat, or after what counted as one while there is nothing new to say; the first beat
   * after a registration goes out at once.
   */
  async #pause(): Promise<void> {
    if (this.#sequence === 0) return;
    const until = [this.#wake.signal, this.#ending.signal];
    const isOver = (): boolean => until.some(({ aborted }) => aborted);
    let delayMs = this.#intervalMs;
    do {
      await wait(delayMs, { until, background: true });
      delayMs = this.#seenAtMs + this.#intervalMs - performance.now();
    } while (!isOver() && delayMs >= 1 && this.#events.inFlight().besides === this.#besides);
    if (this.#wake.signal.aborted) this.#wake = new AbortController();
  }
}
