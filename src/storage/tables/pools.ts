export interface PoolTables {
  pools: {
    pool_id: string;
    agent_type: string;
    phase_id: string | null;
    runtime: string;
    /** JSON list of texts. */
    command: string;
    cwd: string | null;
    /** JSON object of texts. */
    env: string;
    desired: number;
    min_agents: number;
    max_agents: number;
    grace_ms: number;
    orphan_timeout_ms: number;
    on_orphan: 'continue' | 'leave';
    /** null where the agent type's default holds. */
    heartbeat_interval_ms: number | null;
    heartbeat_ttl_ms: number | null;
    /** `removing`: every slot is being stopped; the row goes with the last process. */
    state: 'active' | 'removing';
    /** Spawns that failed in a row. */
    spawn_failures: number;
    last_error: string | null;
    next_attempt_at_ms: number | null;
    created_at_ms: number;
    updated_at_ms: number;
  };
  pool_claims: {
    claim_id: string;
    pool_id: string;
    add_count: number;
    holder: string;
    reason: string;
    traceparent: string | null;
    created_at_ms: number;
    expires_at_ms: number;
  };
  /** One row for every process that Omoi wanted: written before it is spawned. */
  agent_processes: {
    agent_id: string;
    generation: number;
    pool_id: string;
    runtime: string;
    /** `intended`: to be spawned, or spawned by a server that could not write it down any more. */
    state: 'intended' | 'running' | 'ended';
    /**
     * What the slot shall do: `stopped` by a person stays so until a restart, `retired` slots are filled again
     * when the pool grows, a `replaced` generation has a follower.
     */
    wish: 'run' | 'stopped' | 'retired' | 'replaced';
    /** Kept until the process is known: it is found by it, and needs it to register. */
    nonce: string | null;
    /** How the runtime finds the process again. */
    handle: string | null;
    pid: number | null;
    /** When SIGKILL follows the SIGTERM; null while nothing stops it. */
    kill_at_ms: number | null;
    traceparent: string | null;
    intended_at_ms: number;
    started_at_ms: number | null;
    ended_at_ms: number | null;
    exit_code: number | null;
    exit_signal: string | null;
  };
}
