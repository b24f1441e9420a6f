import { severityRank } from './tone.ts';

/** How many agents have each status, as the server counts them. */
export type AgentCounts = Readonly<Partial<Record<string, number>>>;

/** Statuses in which an agent wants to be looked at, the worst first. */
const TROUBLED = ['UNRESPONSIVE', 'STALLED', 'FAILED', 'DEGRADED', 'QUARANTINED', 'SPAWNING'] as const;

/** Agents that have not ended. */
export function countPresent(byStatus: AgentCounts): number {
  return Object.entries(byStatus).reduce(
    (sum, [status, count = 0]) => (status === 'TERMINATED' ? sum : sum + count),
    0,
  );
}

/** What to ask the list of agents for, one after the other, so that those in trouble are on a page of `limit`. */
export function agentFilters(byStatus: AgentCounts, limit: number): readonly string[] {
  const troubled = TROUBLED.filter((status) => (byStatus[status] ?? 0) > 0);
  const first = countPresent(byStatus) > limit ? troubled.map((status) => `status=${status}`) : [];
  return [...first, 'present=true'];
}

export interface SeverityCount {
  readonly severity: string;
  readonly firing: number;
  readonly unacknowledged: number;
}

/** What to ask the list of alerts for, so that what nobody has seen comes first, of it what is most severe. */
export function alertFilters(bySeverity: readonly SeverityCount[]): readonly string[] {
  const ranked = bySeverity.toSorted((a, b) => severityRank(a.severity) - severityRank(b.severity));
  const filter = (severity: string, acknowledged: boolean) =>
    `state=firing&acknowledged=${acknowledged}&severity=${encodeURIComponent(severity)}`;
  return [
    ...ranked.filter((count) => count.unacknowledged > 0).map(({ severity }) => filter(severity, false)),
    ...ranked
      .filter((count) => count.firing > count.unacknowledged)
      .map(({ severity }) => filter(severity, true)),
  ];
}
