import { formatElapsed } from '#telemetry';
import { readPlan } from '../policies/remediation-plan.ts';
import { targetOf, type Remediation } from './remediation.ts';

/** What was done by a remediation, in one line for people; null where nothing was. */
export function remediationLine(remediation: Remediation): string | null {
  const { state, outcome, policy, step, step_started_at_ms: stepStartedAtMs, reason } = remediation;
  if (stepStartedAtMs === null) return null;
  const { steps, guardian } = readPlan(remediation.plan);
  const tried = steps.slice(0, step + 1).map(({ action }) => action);
  const what = tried.join(', then ');
  const about = `${policy} on ${targetOf(remediation)}`;
  const { planned_at_ms: plannedAtMs, ended_at_ms: endedAtMs } = remediation;
  if (outcome === null || endedAtMs === null) {
    return state === 'planned' ? `${about}: ${reason ?? `tried ${what}`}` : `${about}: ${what} is under way`;
  }
  if (outcome === 'healed') return `${about}: healed by ${what} in ${formatElapsed(endedAtMs - plannedAtMs)}`;
  const escalated = state === 'escalated' ? `; ${guardian} have to take over` : '';
  return `${about}: tried ${what}: ${outcome.replaceAll('_', ' ')}${escalated}`;
}
