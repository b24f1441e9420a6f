import type { ClaimFilter } from './claim-filter.ts';

/** Where queued tasks of one kind lie in order; a lane without task type holds all types of a phase. */
export interface QueueLane {
  /** null: tasks that agents of every pool may claim. */
  readonly poolId: string | null;
  readonly phaseId: string;
  readonly taskType: string | null;
}

interface PhaseCount {
  queued: number;
  readonly byType: Map<string, number>;
}

/** What a lane is counted by. */
export interface LaneTask {
  readonly pool_id: string | null;
  readonly phase_id: string;
  readonly task_type: string;
}

/**
 * How many tasks wait in each lane, so that a claim asks the database for its own lanes alone and only for those that
 * hold something: what waits for others costs it nothing. Empty lanes are forgotten.
 */
export class QueueLanes {
  readonly #pools = new Map<string | null, Map<string, PhaseCount>>();

  count(task: LaneTask, change: number): void {
    let phases = this.#pools.get(task.pool_id);
    if (!phases) this.#pools.set(task.pool_id, (phases = new Map()));
    let phase = phases.get(task.phase_id);
    if (!phase) phases.set(task.phase_id, (phase = { queued: 0, byType: new Map() }));
    phase.queued += change;
    const ofType = (phase.byType.get(task.task_type) ?? 0) + change;
    if (ofType === 0) phase.byType.delete(task.task_type);
    else phase.byType.set(task.task_type, ofType);
    if (phase.byType.size > 0) return;
    phases.delete(task.phase_id);
    if (phases.size === 0) this.#pools.delete(task.pool_id);
  }

  /** How many tasks of a kind wait. */
  countOf({ pool_id: poolId, phase_id: phaseId, task_type: type }: LaneTask): number {
    return this.#pools.get(poolId)?.get(phaseId)?.byType.get(type) ?? 0;
  }

  /** Each kind of which a task waits; those that come or go while they are walked may be left out. */
  *kinds(): Generator<LaneTask, void, void> {
    for (const [poolId, phases] of this.#pools) {
      for (const [phaseId, { byType }] of phases) {
        for (const type of byType.keys()) yield { pool_id: poolId, phase_id: phaseId, task_type: type };
      }
    }
  }

  /** The lanes that hold tasks which the filter takes. */
  matching(filter: ClaimFilter): QueueLane[] {
    const lanes: QueueLane[] = [];
    if (!filter.ownPoolOnly) this.#addPool(null, filter, lanes);
    if (filter.poolId !== null) this.#addPool(filter.poolId, filter, lanes);
    return lanes;
  }

  #addPool(poolId: string | null, filter: ClaimFilter, lanes: QueueLane[]): void {
    const phases = this.#pools.get(poolId);
    if (!phases) return;
    for (const phaseId of filter.phaseIds ?? phases.keys()) {
      const phase = phases.get(phaseId);
      if (!phase) continue;
      if (filter.taskTypes === null) lanes.push({ poolId, phaseId, taskType: null });
      else {
        for (const taskType of filter.taskTypes) {
          if (phase.byType.has(taskType)) lanes.push({ poolId, phaseId, taskType });
        }
      }
    }
  }
}
