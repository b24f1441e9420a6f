import { OmoiError } from '#telemetry';

/** An operation that the data does not allow: `query_failed`, in Prometheus's words. */
export function evaluationError(problem: string): OmoiError {
  return new OmoiError('query_failed', problem);
}

export const DUPLICATE_LABELS = 'vector cannot contain metrics with the same labelset';
