import { listInSlices, rowAt, type ListSlice, type StateDatabase } from '#storage';
import type { Reach } from '../reach.ts';
import type { TaskRow } from './task-row.ts';
import { isWithin } from './tasks-within.ts';

/** How a task ends. */
export const FINISHED_STATES = ['completed', 'failed', 'cancelled'] as const;
export type FinishedState = (typeof FINISHED_STATES)[number];

/** Where a task that has ended stands among those that have. */
export interface FinishedPlace {
  readonly finished_at_ms: number;
  readonly task_id: string;
}

export interface FinishedTaskQuery {
  readonly state: FinishedState | null;
  readonly phaseId: string | null;
  readonly agentId: string | null;
  /** Only what these agents may see; null: all. */
  readonly within: Reach | null;
  /** Answers what had ended before this place, whether the task is still there or not. */
  readonly after: FinishedPlace | null;
  readonly limit: number;
}

/** Tasks that have ended, the newest end first, read along the index of their ends. */
export function listFinishedTasks(database: StateDatabase, query: FinishedTaskQuery): Promise<TaskRow[]> {
  const { after, limit } = query;
  return listInSlices(finishedSlices(database, query), { after, limit });
}

function finishedSlices({ reader }: StateDatabase, { state, phaseId, agentId, within }: FinishedTaskQuery) {
  const behind = (after: FinishedPlace | null) => {
    const rows = reader
      .selectFrom('tasks')
      .where('finished_at_ms', 'is not', null)
      .orderBy('finished_at_ms', 'desc')
      .orderBy('task_id', 'desc');
    if (after === null) return rows;
    return rows.where((row) =>
      row(row.refTuple('finished_at_ms', 'task_id'), '<', row.tuple(after.finished_at_ms, after.task_id)),
    );
  };
  return {
    end: (after: FinishedPlace | null, rows: number): Promise<FinishedPlace | null> =>
      rowAt(behind(after).select(['finished_at_ms', 'task_id']).$narrowType<FinishedPlace>(), rows),
    find({ after, until, rows, limit }: ListSlice<FinishedPlace>): Promise<TaskRow[]> {
      let stretch = behind(after).selectAll();
      if (until !== null) {
        stretch = stretch.where((row) =>
          row(
            row.refTuple('finished_at_ms', 'task_id'),
            '>=',
            row.tuple(until.finished_at_ms, until.task_id),
          ),
        );
      }
      let found = reader.selectFrom(stretch.limit(rows).as('tasks')).selectAll();
      if (state !== null) found = found.where('state', '=', state);
      if (phaseId !== null) found = found.where('phase_id', '=', phaseId);
      if (agentId !== null) found = found.where('agent_id', '=', agentId);
      if (within !== null) found = found.where(isWithin(reader, within));
      return found.orderBy('finished_at_ms', 'desc').orderBy('task_id', 'desc').limit(limit).execute();
    },
  };
}
