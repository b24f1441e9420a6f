import type { StateTransaction } from '#storage';

/** Later remediations of one lineage that are looked at: more than attempts that any policy has. */
const maxLaterRows = 64;

/** A generation of an agent that a task has ended. */
export interface ExplainedEnd {
  readonly agentId: string;
  readonly generation: number;
}

/**
 * A task turned out to have ended a generation, after its repair had begun: that repair was no attempt of its lineage. Each
 * lineage that has tried it gets the attempt back, and so do those of its remediations that counted on from it; one that
 * did nothing else counts as one whose end a task had explained from the first. Costs a few rows by their keys.
 * @param policies those whose lineages count
 */
export async function giveAttemptsBack(
  tx: StateTransaction,
  { agentId, generation }: ExplainedEnd,
  policies: readonly string[],
): Promise<void> {
  if (policies.length === 0) return;
  const repairs = await tx.db
    .selectFrom('remediations as repair')
    .innerJoin('watchdog_actions as action', 'action.remediation_id', 'repair.id')
    .select(['repair.id', 'repair.policy', 'repair.lineage_order'])
    .where('repair.policy', 'in', policies)
    .where('repair.target_kind', '=', 'agent')
    .where('repair.target_id', '=', agentId)
    .where('repair.step_started_at_ms', 'is not', null)
    .where('repair.attempts', '>', 0)
    .where('action.expected_generation', '=', generation)
    .distinct()
    .execute();
  for (const { id, policy, lineage_order: order } of repairs) {
    const later = await tx.db
      .selectFrom('remediations')
      .select(['id', 'attempts'])
      .select((row) =>
        row
          .selectFrom('watchdog_actions')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .whereRef('watchdog_actions.remediation_id', '=', 'remediations.id')
          .as('steps'),
      )
      .where('policy', '=', policy)
      .where('target_kind', '=', 'agent')
      .where('target_id', '=', agentId)
      .where('step_started_at_ms', 'is not', null)
      .where('attempts', '>', 0)
      .where('lineage_order', '>=', order)
      .orderBy('lineage_order')
      .limit(maxLaterRows)
      .execute();
    let attemptsBefore = 0;
    for (const { id: laterId, attempts, steps } of later) {
      // Behind the relapse window a lineage begins anew.
      if (attempts <= attemptsBefore) break;
      attemptsBefore = attempts;
      const isOnlyStep = laterId === id && Number(steps) === 1;
      const left = isOnlyStep ? 0 : attempts - 1;
      await tx.db.updateTable('remediations').set({ attempts: left }).where('id', '=', laterId).execute();
    }
  }
}
