/**
 * What agent and server say to each other under `/api/v1/fleet`; `tests/conformance/agent-wire.test.ts` sends every
 * request with all of its keys, since the server refuses those that it does not know. Times are RFC 3339 in UTC,
 * durations milliseconds.
 */

export type AgentType = 'worker' | 'monitor' | 'watchdog' | 'guardian';

/**
 * What a process and all that it started have done since they were looked at before: used CPU, made I/O, started others
 * (`active`), nothing, nothing for longer than is allowed, they are stopped and can do nothing, or a debugger holds them.
 */
export type ProcessActivity = 'active' | 'idle' | 'idle_too_long' | 'stopped' | 'traced';

/** What the processes do that somebody beats for, and what they use. */
export interface ProcessReport {
  readonly activity: ProcessActivity;
  /** CPU time in all, in whole ms. */
  readonly cpu_ms: number;
  /** Resident memory, in whole bytes. */
  readonly memory_bytes: number;
}

/** `POST /agents` */
export interface RegisterRequest {
  readonly agent_id: string;
  readonly agent_type: AgentType;
  /** Given by the runtime to a process that Omoi started; for others null, the server opens one. */
  readonly generation: number | null;
  readonly nonce: string;
  readonly pool_id: string | null;
  readonly phase_id: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  /** null takes the agent type's. */
  readonly heartbeat_interval_ms: number | null;
  readonly heartbeat_ttl_ms: number | null;
}

export interface RegisterAnswer {
  readonly generation: number;
  readonly heartbeat_interval_ms: number;
}

/** `POST /agents/{agent_id}/heartbeat` */
export interface HeartbeatRequest {
  readonly generation: number;
  /** Grows by one with every beat of a generation. */
  readonly sequence: number;
  readonly health: 'ok' | 'degraded';
  readonly reason: string | null;
  /** Work that is seen to go on: it is weighed before a silent agent is restarted. */
  readonly in_flight: number;
  readonly nonce: string;
  /** Sent by who beats for another process. */
  readonly process_activity?: ProcessActivity | ProcessReport | undefined;
}

export interface HeartbeatAnswer {
  /** The highest sequence number that the server has seen. */
  readonly acknowledged: number;
  /** What the server wants of the agent. */
  readonly desired: 'run' | 'drain';
  readonly heartbeat_interval_ms: number;
}

/** `POST /agents/{agent_id}/deregister` */
export interface DeregisterRequest {
  readonly generation: number;
  readonly reason: string;
  /** How a watched process ended; both null where the agent leaves by itself. */
  readonly exit_code: number | null;
  readonly signal: string | null;
  /** Whether somebody had asked the process to end: then it is no failure. */
  readonly asked?: boolean | undefined;
  /** `forever`: exit code 0 is a failure too. */
  readonly expect?: ExitExpectation | undefined;
  /** The end of what the watched process put out. */
  readonly last_output?: string | undefined;
}

export type ExitExpectation = 'once' | 'forever';

/** Part of the answers about tasks: the request counted as a heartbeat that says nothing new. */
export interface SeenAnswer {
  /** As in the answer to a heartbeat; left out where the request did not count, as by older servers. */
  readonly desired?: 'run' | 'drain' | undefined;
}

/** `POST /tasks/claim` */
export interface ClaimRequest {
  readonly agent_id: string;
  readonly generation: number;
  /** Left out: those of the agent's capabilities; any, where it has none. */
  readonly task_types?: readonly string[] | undefined;
  readonly phase_ids?: readonly string[] | undefined;
  readonly max_tasks: number;
  /** How long the server may hold the request while there is nothing to do. */
  readonly wait_ms: number;
  readonly lease_ms?: number | undefined;
}

export interface ClaimedTask {
  readonly task_id: string;
  readonly task_type: string;
  readonly phase_id: string;
  readonly priority: number;
  readonly payload: unknown;
  /** What a holder before said last of how far it was (`report`); null where none did. Older servers don't say. */
  readonly progress?: unknown;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly lease_ms: number;
  /** It may be what ended the process that had it before: nothing else is claimed beside it. Older servers don't say. */
  readonly alone?: boolean | undefined;
  /** After so long the server takes it away. */
  readonly time_limit_ms?: number | null | undefined;
  readonly traceparent: string | null;
}

export interface ClaimAnswer extends SeenAnswer {
  readonly tasks: readonly ClaimedTask[];
}

/** `POST /tasks/{task_id}/renew` */
export interface RenewRequest extends TaskClaim {
  /** Any JSON; kept with the task for whoever claims it next. */
  readonly progress?: unknown;
}

/** Who holds a task, and by which claim. */
export interface TaskClaim {
  readonly agent_id: string;
  readonly generation: number;
  readonly attempt: number;
}

/** `POST /tasks/{task_id}/complete` */
export interface CompleteRequest {
  readonly agent_id: string;
  readonly generation: number;
  readonly attempt: number;
  readonly result: unknown;
}

/** `POST /tasks/complete` */
export interface CompletionsRequest {
  readonly agent_id: string;
  readonly generation: number;
  readonly completions: readonly {
    readonly task_id: string;
    readonly attempt: number;
    readonly result: unknown;
  }[];
}

export interface CompletionsAnswer extends SeenAnswer {
  /** One for each, in their order. */
  readonly completions: readonly (
    | { readonly task_id: string; readonly state: 'completed' }
    | {
        readonly task_id: string;
        /** What the completion alone would be answered with. */
        readonly error: string;
        readonly status: number;
        readonly message: string;
      }
  )[];
}

/** `POST /tasks/{task_id}/fail` */
export interface FailRequest {
  readonly agent_id: string;
  readonly generation: number;
  readonly attempt: number;
  readonly error: string;
}

/** The body of every answer that is an error. */
export interface ErrorAnswer {
  readonly error: string;
  readonly message: string;
  /** Where the server tells what the code says and what to do about it. */
  readonly docs?: string;
}
