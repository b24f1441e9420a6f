import { DEFAULT_MAX_ATTEMPTS, type Policy } from './policy.ts';

/**
 * What a remediation does, as its policy said when it was planned: a reload does not change what runs or what was
 * approved. Whether it may (mode and guards) is what the policy says at the moment.
 */
export type RemediationPlan = Pick<Policy, 'steps' | 'guardian' | 'max_attempts'>;

export function writePlan({ steps, guardian, max_attempts }: Policy): string {
  return JSON.stringify({ steps, guardian, max_attempts });
}

export function readPlan(text: string): RemediationPlan {
  // Written by `writePlan` alone, and plain data: numbers, texts and lists; of old without a number of attempts.
  const plan = JSON.parse(text) as Omit<RemediationPlan, 'max_attempts'> & Partial<RemediationPlan>;
  return { ...plan, max_attempts: plan.max_attempts ?? DEFAULT_MAX_ATTEMPTS };
}
