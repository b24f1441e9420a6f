import { OmoiError, type LockMode } from '#telemetry';
import type { Holder } from '../leases/lease-registry.ts';
import type { LockRow } from './lock-decision.ts';

export interface LockRequest extends Holder {
  readonly resourceType: string;
  readonly resourceName: string;
  readonly mode: LockMode;
  readonly ttlMs: number;
  /** How long to wait for those who hold it. */
  readonly waitMs: number;
  readonly traceparent: string | null;
  /** Ends the wait when the asker has gone. */
  readonly signal: AbortSignal | null;
}

/** It was not free in time. */
export function lockOverdue(request: LockRequest): OmoiError {
  return new OmoiError('lock_held', `${describe(request)} did not become free within ${request.waitMs} ms.`, {
    resource_type: request.resourceType,
    resource_name: request.resourceName,
    wait_ms: request.waitMs,
  });
}

export function lockHeld(request: LockRequest, by: LockRow): OmoiError {
  return new OmoiError(
    'lock_held',
    `${describe(request)} is held ${by.lock_mode} by agent ${by.agent_id} generation ${by.generation}.`,
    {
      resource_type: by.resource_type,
      resource_name: by.resource_name,
      held_by: by.agent_id,
      held_by_generation: by.generation,
      lock_mode: by.lock_mode,
      fencing_token: by.fencing_token,
    },
  );
}

export function lockLost(lockId: string): OmoiError {
  return new OmoiError('lock_lost', `Lock ${lockId} has run out, or was released, or is somebody else’s.`, {
    lock_id: lockId,
  });
}

export function unknownLock(lockId: string): OmoiError {
  return new OmoiError('unknown_lock', `Lock ${lockId} is not held by anybody.`, { lock_id: lockId });
}

function describe(request: LockRequest): string {
  return `${request.resourceType} ${JSON.stringify(request.resourceName)}`;
}
