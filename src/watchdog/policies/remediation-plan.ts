import type { Policy } from './policy.ts';

/**
 * What a remediation does, as its policy said when it was planned: a reload does not change what runs or what was
 * approved. Whether it may (mode and guards) is what the policy says at the moment.
 */
export type RemediationPlan = Pick<Policy, 'steps' | 'guardian'>;

export function writePlan({ steps, guardian }: Policy): string {
  return JSON.stringify({ steps, guardian });
}

export function readPlan(text: string): RemediationPlan {
  // Written by `writePlan` alone, and plain data: numbers, texts and lists.
  return JSON.parse(text) as RemediationPlan;
}
