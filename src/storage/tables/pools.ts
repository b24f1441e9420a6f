import type { DeadlineColumns } from '../deadline-columns.ts';
import type { DesiredUnitState, PoolState, UnitState } from '#telemetry';

export interface PoolTables {
  pools: DeadlineColumns & {
    pool_id: string;
    /** JSON object: the pool's keys as the API has them. */
    definition: string;
    /** `removing`: every replica is being stopped; the row goes with the last process. */
    state: PoolState;
    /** Spawns that failed in a row. */
    spawn_failures: number;
    last_error: string | null;
    next_attempt_at_ms: number | null;
    /** JSON `{state, reason, since_ms}` while its replicas are brought to another definition; null without that. */
    roll: string | null;
    /** The size that the configuration gave it last; null where it never did. Another one in `definition` is a person's. */
    configured_desired: number | null;
    created_at_ms: number;
    updated_at_ms: number;
  };
  pool_scale_overrides: DeadlineColumns & {
    override_id: string;
    pool_id: string;
    add_count: number;
    holder: string;
    reason: string;
    traceparent: string | null;
    created_at_ms: number;
    expires_at_ms: number;
  };
  /** One row for every unit that Omoi wanted: written before it is started. */
  agent_units: DeadlineColumns & {
    agent_id: string;
    generation: number;
    pool_id: string;
    runtime: string;
    /** `intended`: to be started, or started by a server that could not write it down any more. */
    state: UnitState;
    desired_state: DesiredUnitState;
    /** Kept until the unit is known: it is found by it, and needs it to register. */
    nonce: string | null;
    /** How the runtime finds the unit again. */
    handle: string | null;
    pid: number | null;
    /** The machine on which it was started, or is to be, and the boot of it; null where a server before 051 did. */
    host: string | null;
    host_boot_id: string | null;
    /** JSON `{reason, by, traceparent}`: the restart that was asked for and follows its end; null without one. */
    restart: string | null;
    /** When it is ended by force; null while nothing stops it. */
    kill_at_ms: number | null;
    /** The person, token or policy that asked for its end; null where nobody did, or a server before 024 was asked. */
    stopped_by: string | null;
    /** The keys of the pool that it was started with, as SHA-256; null where a server before 031 started it. */
    made_of: string | null;
    /** When it had proven itself as a generation of a new definition. */
    verified_at_ms: number | null;
    /** Since when it has not been well, while the roll of its pool waits for it, on both clocks; null while it is well. */
    ill_since_ms: number | null;
    ill_boot_ms: number | null;
    ill_boot_id: string | null;
    traceparent: string | null;
    intended_at_ms: number;
    started_at_ms: number | null;
    ended_at_ms: number | null;
    exit_code: number | null;
    exit_signal: string | null;
  };
}
