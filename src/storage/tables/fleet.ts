import type { AgentStatus, AgentType, HeartbeatSource, LockMode, TaskState } from '#telemetry';
import type { Generated } from 'kysely';

export interface AgentTables {
  agents: {
    agent_id: string;
    agent_type: AgentType;
    pool_id: string | null;
    phase_id: string | null;
    /** 1 where Omoi starts and stops the agent. */
    managed: number;
    /** The last transition's; of IDLE and RUNNING only IDLE is kept, for work decides between them. */
    status: AgentStatus;
    status_reason: string;
    status_since_ms: number;
    /** 1 while the agent itself says that it is DEGRADED. */
    self_degraded: number;
    generation: number;
    /** JSON object of texts. */
    labels: string;
    /** JSON list of texts. */
    capabilities: string;
    /** null where the agent type's default holds. */
    heartbeat_interval_ms: number | null;
    heartbeat_ttl_ms: number | null;
    /** How long a generation that Omoi starts may take to register; null where nobody said. */
    start_within_ms: number | null;
    registered_at_ms: number;
    /** The id of the agent token that registered it; null where another one did, or nobody's. */
    registered_by: string | null;
  };
  /** One row for every time that an agent was started. */
  agent_generations: {
    agent_id: string;
    generation: number;
    /** SHA-256 of the spawn nonce, hex. */
    nonce_hash: string;
    state: 'opened' | 'registered' | 'ended';
    reason: string;
    requested_by: string;
    traceparent: string | null;
    opened_at_ms: number;
    registered_at_ms: number | null;
    ended_at_ms: number | null;
    /** When the process was seen to be gone; null where nobody watches it, and before. */
    exited_at_ms: number | null;
    exit_code: number | null;
    exit_signal: string | null;
    /** Why the agent left, as far as it said that it does; null where it ended without a goodbye. */
    goodbye: string | null;
    /** What an external agent put out last, as who watched it told; of the newest generations alone. */
    last_output: string | null;
    /** Who beats for it: it itself, or Omoi, which watches its process; null before it has registered. */
    heartbeat: Generated<HeartbeatSource | null>;
    /** Since when an external agent is asked to leave; null where it is not. */
    drain_asked_at_ms: Generated<number | null>;
  };
  /** What heartbeats say, written in batches and now and then: the newest of it lives in memory. */
  agent_beats: {
    agent_id: string;
    last_heartbeat_at_ms: number | null;
    work_seen_at_ms: number | null;
    running: number;
  };
}

export interface TaskTables {
  tasks: {
    task_id: string;
    task_type: string;
    phase_id: string;
    /** Higher comes first. */
    priority: number;
    /** Among equal priorities the smaller comes first: µs since epoch, made to grow. */
    queue_order: number;
    /** JSON. */
    payload: string;
    state: TaskState;
    /** Only agents of this pool may claim it; null lets everyone. */
    pool_id: string | null;
    /** Unique; where `enqueued_by` is not null it begins with that, so that each has keys of its own. */
    idempotency_key: string | null;
    /** Which agent token's scope it comes from: `pool/ID` or `token/ID`; null where a person's or another one's. */
    enqueued_by: string | null;
    max_attempts: number;
    /** How often it was claimed: the number of the present or last claim. */
    attempt: number;
    failures: number;
    /** How often a holder lost it, for whatever reason. */
    leases_lost: number;
    /**
     * How many of these losses count as attempts: its holder ended or hung by itself. Such a task is claimed alone, since it
     * may be what ends them.
     */
    counted_losses: number;
    /** `agent/generation` of the last of these holders that ended or hung; null where none did. */
    lost_by: string | null;
    /** How often it was handed on to another agent since it was enqueued, or queued again by a person. */
    handoffs: number;
    /** How long a claim may run, however often its lease is renewed; null: for ever. */
    time_limit_ms: number | null;
    /** A retry waits until then. */
    available_at_ms: number;
    /** A task that was handed over is kept for this agent until `kept_until_ms`. */
    kept_for_agent_id: string | null;
    kept_until_ms: number | null;
    /**
     * A queued task that waits for its retry, or is kept for one agent, lies in no lane until then; a claim puts it there
     * when that time has come. Null for a task that lies in its lane.
     */
    deferred_until_ms: number | null;
    /**
     * Since when it is held, or waits for its time, on both clocks, while it does; null where it has since before that was kept.
     */
    since_ms: number | null;
    since_boot_ms: number | null;
    since_boot_id: string | null;
    agent_id: string | null;
    generation: number | null;
    claimed_at_ms: number | null;
    lease_ms: number | null;
    lease_until_ms: number | null;
    enqueued_at_ms: number;
    first_claimed_at_ms: number | null;
    finished_at_ms: number | null;
    /** Since when it waits for a person; it is not finished, so it is kept. */
    parked_at_ms: number | null;
    /** What the holder put out last when it was parked; empty where that is nothing, null where nobody has looked. */
    last_output: string | null;
    /** JSON: what a holder said last of how far it is, for whoever claims it next; null where none did. */
    progress: string | null;
    /** JSON. */
    result: string | null;
    error: string | null;
    traceparent: string | null;
  };
}

export interface LockTables {
  /** One row a resource: whoever decides about its locks holds this row. */
  lock_resources: {
    resource_type: string;
    resource_name: string;
    /** The newest fencing token. */
    last_token: number;
    touched_at_ms: number;
  };
  locks: {
    lock_id: string;
    resource_type: string;
    resource_name: string;
    lock_mode: LockMode;
    agent_id: string;
    generation: number;
    fencing_token: number;
    ttl_ms: number;
    acquired_at_ms: number;
    expires_at_ms: number;
    traceparent: string | null;
  };
  task_handoffs: {
    handoff_id: string;
    task_id: string;
    from_agent_id: string;
    from_generation: number;
    to_agent_id: string;
    reason: string | null;
    at_ms: number;
  };
}

export interface FleetTables extends AgentTables, TaskTables, LockTables {}
