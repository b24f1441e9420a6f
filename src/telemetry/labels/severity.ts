/** From least to most severe. */
export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;

export type Severity = (typeof SEVERITIES)[number];

/** 0 (info) to 3 (critical). A value that is no severity of Omoi's is kept by its owner and ranks as warning. */
export function severityRank(severity: string): number {
  const rank = SEVERITIES.findIndex((known) => known === severity);
  return rank === -1 ? SEVERITIES.indexOf('warning') : rank;
}
