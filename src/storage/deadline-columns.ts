import type { Moment, PersistedDeadline } from '#telemetry';

/** When the deadline of a row was set, on both clocks; null where it has none, or one from before that was kept. */
export interface DeadlineColumns {
  deadline_set_at_ms: number | null;
  deadline_boot_ms: number | null;
  deadline_boot_id: string | null;
}

/** The columns of a row whose deadline is set now. */
export function deadlineSet({ wallMs, bootMs, bootId }: Moment): DeadlineColumns {
  return {
    deadline_set_at_ms: Math.floor(wallMs),
    deadline_boot_ms: Math.floor(bootMs),
    deadline_boot_id: bootId,
  };
}

/** @param atMs the row's deadline, ms since epoch on the wall clock of when it was set */
export function deadlineOf(atMs: number, row: DeadlineColumns): PersistedDeadline {
  const { deadline_set_at_ms: wallMs, deadline_boot_ms: bootMs, deadline_boot_id: bootId } = row;
  return { atMs, set: wallMs === null ? null : { wallMs, bootMs, bootId } };
}
