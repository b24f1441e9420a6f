import type { Guard } from '#telemetry';
import { IdGroups } from './id-groups.ts';
import { targetOf, type Remediation } from './remediation.ts';

/**
 * Remediations that are held back, each in the line of what it waits for: whatever becomes free is offered to the
 * first of that line, and to nobody else.
 */
export class WaitingLines {
  readonly #lines = new IdGroups();
  readonly #lineOf = new Map<string, string>();
  /** The lines for agents of a pool, by the pool. */
  readonly #agentLines = new IdGroups();

  /** @param guard what holds the remediation back; the end of the line is its place */
  join(remediation: Remediation, guard: Guard): void {
    this.leave(remediation);
    const line = lineFor(remediation, guard);
    this.#lines.add(line, remediation.id);
    this.#lineOf.set(remediation.id, line);
    const { pool_id: poolId, target_kind: kind } = remediation;
    if (guard === 'one_per_target' && kind === 'agent' && poolId !== null) this.#agentLines.add(poolId, line);
  }

  leave({ id, pool_id: poolId }: Pick<Remediation, 'id' | 'pool_id'>): void {
    const line = this.#lineOf.get(id);
    if (line === undefined) return;
    this.#lineOf.delete(id);
    this.#lines.delete(line, id);
    if (poolId !== null && this.#lines.count(line) === 0) this.#agentLines.delete(poolId, line);
  }

  lineOf(remediationId: string): string | null {
    return this.#lineOf.get(remediationId) ?? null;
  }

  first(line: string): string | null {
    return this.#lines.first(line);
  }

  /** Everybody in a line, in order. */
  all(line: string): readonly string[] {
    return this.#lines.list(line);
  }

  /** Everybody who waits because of other repairs, in the order in which they came. */
  waitingForOthers(): readonly string[] {
    return [...this.#lineOf].flatMap(([id, line]) => (WAITS_FOR_OTHERS.test(line) ? id : []));
  }

  /** The lines that may move on when a remediation is at work no more: those for its target and its policy's places. */
  behind(remediation: Remediation): readonly string[] {
    const { pool_id: poolId, target_kind: kind } = remediation;
    const lines = [lineFor(remediation, 'one_per_target'), lineFor(remediation, 'max_parallel')];
    if (poolId === null) return lines;
    if (kind === 'agent') lines.push(`one_per_target pool:${poolId}`);
    else lines.push(...this.#agentLines.list(poolId));
    return lines;
  }
}

const WAITS_FOR_OTHERS = /^(?:one_per_target|max_parallel|start_budget|repair_rate) /;

/** What a remediation waits for: its target, a place of its policy, or the end of what holds all of them. */
export function lineFor(remediation: Remediation, guard: Guard): string {
  if (guard === 'one_per_target') return `${guard} ${targetOf(remediation)}`;
  if (guard === 'max_parallel' || guard === 'start_budget') return `${guard} ${remediation.policy}`;
  // The pool is the failure domain of what can be repaired: external agents are not.
  if (guard === 'repair_rate') return `${guard} ${remediation.pool_id ?? ''}`;
  return guard;
}
