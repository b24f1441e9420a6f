import type { AgentType } from './wire.ts';

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
  readonly capabilities?: readonly string[];
  /** How long work in flight may go on after SIGTERM; then it is aborted. */
  readonly graceMs?: number;
  /** How long the server may be away before `onOrphan` counts. */
  readonly orphanTimeoutMs?: number;
  /** `continue`: keep working whatever happens. `leave`: drain and exit. */
  readonly onOrphan?: 'continue' | 'leave';
  /** Where metrics go (OTLP/HTTP); the server itself by default. */
  readonly metricsUrl?: string;
  readonly metricsIntervalMs?: number;
  /** Whether SIGTERM drains the agent; the process exits then unless the host listens for SIGTERM too. */
  readonly handleSigterm?: boolean;
  /** Told of whatever goes wrong; nothing is ever thrown. */
  readonly onError?: (error: Error) => void;
}

export interface Settings {
  readonly url: string;
  readonly agentId: string;
  readonly agentType: AgentType;
  readonly generation: number | null;
  readonly nonce: string;
  readonly token: string | null;
  readonly poolId: string | null;
  readonly phaseId: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly graceMs: number;
  readonly orphanTimeoutMs: number;
  readonly onOrphan: 'continue' | 'leave';
  readonly metricsUrl: string;
  readonly metricsIntervalMs: number;
  readonly handleSigterm: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_GRACE_MS = 10_000;
const DEFAULT_ORPHAN_TIMEOUT_MS = 600_000;
const DEFAULT_METRICS_INTERVAL_MS = 10_000;

/**
 * The options with the environment's defaults; null when neither names a server.
 * @throws Error for a url or a number that is none
 */
export function resolveSettings(options: AgentOptions, environment: Environment): Settings | null {
  const url = options.url ?? environment['OMOI_URL'];
  if (url === undefined || url === '') return null;
  const parsed = new URL(url);
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw new Error(`"${url}" is no address of a server: write http://127.0.0.1:4600`);
  }
  return {
    url,
    agentId: options.agentId ?? environment['OMOI_AGENT_ID'] ?? `agent-${process.pid}-${randomText(6)}`,
    agentType: options.agentType ?? agentTypeOf(environment['OMOI_AGENT_TYPE']),
    generation: options.generation ?? numberOf(environment, 'OMOI_AGENT_GENERATION'),
    nonce: options.nonce ?? environment['OMOI_AGENT_NONCE'] ?? randomText(32),
    token: options.token ?? environment['OMOI_AGENT_TOKEN'] ?? null,
    poolId: options.poolId ?? environment['OMOI_POOL_ID'] ?? null,
    phaseId: options.phaseId ?? environment['OMOI_PHASE_ID'] ?? null,
    labels: options.labels ?? {},
    capabilities: options.capabilities ?? [],
    graceMs: options.graceMs ?? numberOf(environment, 'OMOI_GRACE_MS') ?? DEFAULT_GRACE_MS,
    orphanTimeoutMs:
      options.orphanTimeoutMs ?? numberOf(environment, 'OMOI_ORPHAN_TIMEOUT_MS') ?? DEFAULT_ORPHAN_TIMEOUT_MS,
    onOrphan: options.onOrphan ?? (environment['OMOI_ON_ORPHAN'] === 'leave' ? 'leave' : 'continue'),
    metricsUrl: options.metricsUrl ?? environment['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? url,
    metricsIntervalMs: options.metricsIntervalMs ?? DEFAULT_METRICS_INTERVAL_MS,
    handleSigterm: options.handleSigterm ?? true,
  };
}

function numberOf(environment: Environment, name: string): number | null {
  const text = environment[name];
  if (text === undefined || text === '') return null;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is "${text}", not a whole number`);
  return value;
}

const AGENT_TYPES: readonly AgentType[] = ['worker', 'monitor', 'watchdog', 'guardian'];

function agentTypeOf(text: string | undefined): AgentType {
  return AGENT_TYPES.find((type) => type === text) ?? 'worker';
}

/** Hex digits from the system's source of secrets. */
function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length / 2));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
