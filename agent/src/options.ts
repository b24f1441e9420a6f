import type { AgentType, ProcessActivity, ProcessReport } from './wire.ts';

/** Every option has a default from the environment that Omoi gives to the processes it starts. */
export interface AgentOptions {
  /** The server: `http://127.0.0.1:4600`. Without one, and without OMOI_URL, the agent does nothing. */
  readonly url?: string;
  readonly agentId?: string;
  readonly agentType?: AgentType;
  /** Of a process that Omoi started; leave it out elsewhere, the server opens one. */
  readonly generation?: number;
  /** Proves that this process is the generation; made up where it is left out. */
  readonly nonce?: string;
  readonly token?: string;
  readonly poolId?: string;
  readonly phaseId?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** The types of tasks that it can do: what it claims where `work` names none. Without them: any. */
  readonly capabilities?: readonly string[];
  /** Where the agent type's pace does not fit. The TTL is at least three intervals. */
  readonly heartbeatIntervalMs?: number;
  readonly heartbeatTtlMs?: number;
  /** Work besides claimed tasks that is seen to go on: it is weighed before a silent agent is restarted. */
  readonly inFlight?: () => number;
  /**
   * Of a wrapper that beats for another process: asked before each beat what that one and all that it started have done
   * since the last. One that is stopped, does nothing while it holds a task, or is idle for too long is STALLED although its
   * wrapper beats. What they use may be told with it.
   */
  readonly processActivity?: () => ProcessActivity | ProcessReport;
  /** How long work in flight may go on after SIGTERM; then it is aborted. */
  readonly graceMs?: number;
  /** How long the server may be away before `onOrphan` counts. */
  readonly orphanTimeoutMs?: number;
  /** `continue`: keep working whatever happens. `leave`: drain and exit. */
  readonly onOrphan?: 'continue' | 'leave';
  /**
   * Told when the server wants the agent to leave, or has been away for too long and `onOrphan` is `leave`. The agent
   * does not drain by itself then: its host ends its work first, and drains it.
   */
  readonly onLeave?: (reason: string) => void;
  /** Where metrics go (OTLP/HTTP); the server itself by default. */
  readonly metricsUrl?: string;
  readonly metricsIntervalMs?: number;
  /** Whether SIGTERM drains the agent; the process exits then unless the host listens for SIGTERM too. */
  readonly handleSigterm?: boolean;
  /** Told of whatever goes wrong; nothing is ever thrown. */
  readonly onError?: (error: Error) => void;
}

type Optional = 'generation' | 'token' | 'poolId' | 'phaseId' | 'heartbeatIntervalMs' | 'heartbeatTtlMs';

/** Every option decided; null where neither the host nor the environment says anything. */
export type Settings = Readonly<
  Required<Omit<AgentOptions, Optional | 'onError' | 'onLeave' | 'processActivity'>> &
    Pick<AgentOptions, 'onLeave' | 'processActivity'> & {
      [Name in Optional]: Exclude<AgentOptions[Name], undefined> | null;
    }
>;

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_GRACE_MS = 10_000;
const DEFAULT_ORPHAN_TIMEOUT_MS = 600_000;
const DEFAULT_METRICS_INTERVAL_MS = 10_000;

/**
 * The options with the environment's defaults; null when neither names a server.
 * @throws Error for a url or a number that is none
 */
export function resolveSettings(options: AgentOptions, environment: Environment): Settings | null {
  const said: AgentOptions = {
    ...withoutUndefined(readEnvironment(environment)),
    ...withoutUndefined(options),
  };
  const { url } = said;
  if (!url) return null;
  if (!/^https?:/.test(new URL(url).protocol)) {
    throw new Error(`"${url}" is no address like http://127.0.0.1:4600`);
  }
  return {
    agentId: `agent-${crypto.randomUUID()}`,
    agentType: 'worker',
    generation: null,
    nonce: crypto.randomUUID(),
    token: null,
    poolId: null,
    phaseId: null,
    labels: {},
    capabilities: [],
    heartbeatIntervalMs: null,
    heartbeatTtlMs: null,
    inFlight: () => 0,
    graceMs: DEFAULT_GRACE_MS,
    orphanTimeoutMs: DEFAULT_ORPHAN_TIMEOUT_MS,
    onOrphan: 'continue',
    metricsUrl: url,
    metricsIntervalMs: DEFAULT_METRICS_INTERVAL_MS,
    handleSigterm: true,
    ...said,
    url,
  };
}

const AGENT_TYPES: readonly AgentType[] = ['worker', 'monitor', 'watchdog', 'guardian'];

type Unchecked<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

function readEnvironment(environment: Environment): Unchecked<AgentOptions> {
  const text = (name: string): string | undefined => environment[name] || undefined;
  const number = (name: string): number | undefined => {
    const digits = text(name);
    if (digits !== undefined && !/^\d+$/.test(digits)) {
      throw new Error(`${name} is "${digits}", not a whole number`);
    }
    return digits === undefined ? undefined : Number(digits);
  };
  return {
    url: text('OMOI_URL'),
    agentId: text('OMOI_AGENT_ID'),
    agentType: AGENT_TYPES.find((type) => type === text('OMOI_AGENT_TYPE')),
    generation: number('OMOI_AGENT_GENERATION'),
    nonce: text('OMOI_AGENT_NONCE'),
    token: text('OMOI_AGENT_TOKEN'),
    poolId: text('OMOI_POOL_ID'),
    phaseId: text('OMOI_PHASE_ID'),
    heartbeatIntervalMs: number('OMOI_HEARTBEAT_INTERVAL_MS'),
    heartbeatTtlMs: number('OMOI_HEARTBEAT_TTL_MS'),
    graceMs: number('OMOI_GRACE_MS'),
    orphanTimeoutMs: number('OMOI_ORPHAN_TIMEOUT_MS'),
    onOrphan: text('OMOI_ON_ORPHAN') === 'leave' ? 'leave' : undefined,
    metricsUrl: text('OTEL_EXPORTER_OTLP_ENDPOINT'),
  };
}

/** What is there but undefined must not hide what stands behind it. */
function withoutUndefined(options: Unchecked<AgentOptions>): Partial<AgentOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
