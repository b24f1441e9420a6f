import { takes, type ClaimFilter } from './claim-filter.ts';
import type { Candidate } from './claim-queries.ts';
import type { QueueLane } from './queue-lanes.ts';

/** A lane and its first tasks, in their order. */
export interface LaneHead {
  readonly lane: QueueLane;
  readonly tasks: readonly Candidate[];
}

/**
 * Which tasks go to which of several claims, those that came first served first: each gets the highest priority that
 * it takes, then the oldest, and no task is given twice. Pure: what the database was asked is all that it knows.
 */
export class ClaimAssignment {
  readonly #heads = new Map<string, { readonly tasks: readonly Candidate[]; next: number }>();
  readonly #given = new Set<string>();

  constructor(heads: readonly LaneHead[]) {
    for (const { lane, tasks } of heads) this.#heads.set(laneKey(lane), { tasks, next: 0 });
  }

  /**
   * The tasks for one claim; fewer than `count` where no more fit.
   * @param more.kept what is kept for the claiming agent alone
   * @param more.alone what it may have alone: then nothing else comes with it; empty where it holds something
   */
  take(
    claim: { readonly filter: ClaimFilter; readonly lanes: readonly QueueLane[]; readonly count: number },
    more: { readonly kept: readonly Candidate[]; readonly alone: readonly Candidate[] },
  ): Candidate[] {
    const own = more.kept.filter((task) => takes(claim.filter, task));
    const alone = more.alone.find((task) => !this.#given.has(task.task_id) && takes(claim.filter, task));
    const taken: Candidate[] = [];
    while (taken.length < claim.count) {
      let best: Candidate | undefined;
      for (const lane of claim.lanes) {
        const head = this.#firstOf(lane);
        if (head && (!best || comesBefore(head, best))) best = head;
      }
      for (const task of own) {
        if (!this.#given.has(task.task_id) && (!best || comesBefore(task, best))) best = task;
      }
      if (alone && taken.length === 0 && (!best || comesBefore(alone, best))) {
        this.#given.add(alone.task_id);
        return [alone];
      }
      if (!best) break;
      this.#given.add(best.task_id);
      taken.push(best);
    }
    return taken;
  }

  #firstOf(lane: QueueLane): Candidate | undefined {
    const head = this.#heads.get(laneKey(lane));
    if (!head) return undefined;
    for (let task = head.tasks[head.next]; task; task = head.tasks[++head.next]) {
      if (!this.#given.has(task.task_id)) return task;
    }
    return undefined;
  }
}

/** Tells lanes apart. */
export function laneKey({ poolId, phaseId, taskType }: QueueLane): string {
  return JSON.stringify([poolId, phaseId, taskType]);
}

function comesBefore(one: Candidate, other: Candidate): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  return one.queue_order < other.queue_order;
}
