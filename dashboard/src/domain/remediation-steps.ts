import { words } from './event-sentence.ts';

/** A remediation as far as its telling depends on it. */
export interface ToldRemediation {
  readonly state: string;
  readonly step: number;
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly verifies: string | null;
  readonly planned_at: string;
  readonly step_started_at: string | null;
  readonly verify_until: string | null;
  readonly ended_at: string | null;
  readonly actions: readonly {
    readonly step: number;
    readonly action: string;
    readonly intended_at: string;
    readonly finished_at: string | null;
    readonly result: string | null;
    readonly detail: string | null;
  }[];
}

/** One thing that a remediation did or does. */
export interface RemediationMark {
  readonly key: string;
  readonly text: string;
  /** RFC 3339; null where it is not known yet. */
  readonly at: string | null;
  readonly progress: 'done' | 'now' | 'failed';
}

/** The steps of a remediation, in order: planned, what it did, how it checks itself, how it ended. */
export function describeSteps(remediation: ToldRemediation): readonly RemediationMark[] {
  const { state, outcome, actions } = remediation;
  const marks: RemediationMark[] = [
    {
      key: 'planned',
      text: 'planned',
      at: remediation.planned_at,
      progress: state === 'planned' ? 'now' : 'done',
    },
  ];
  if (state === 'awaiting_approval') {
    marks.push({ key: 'approval', text: 'awaits approval', at: null, progress: 'now' });
  }
  for (const action of actions) {
    const told = action.detail ?? (action.result === null ? null : words(action.result));
    marks.push({
      key: `${action.step} ${action.action} ${action.intended_at}`,
      text: told === null ? words(action.action) : `${words(action.action)}: ${told}`,
      at: action.intended_at,
      progress: progressOf(action),
    });
  }
  if (state === 'verifying') {
    const { verifies } = remediation;
    const text = verifies === null ? 'verifying' : `verifying: ${verifies}`;
    marks.push({ key: 'verifying', text, at: remediation.step_started_at, progress: 'now' });
  }
  if (remediation.ended_at !== null) {
    const how = words(outcome ?? state);
    marks.push({
      key: 'ended',
      text: remediation.reason === null ? how : `${how}: ${remediation.reason}`,
      at: remediation.ended_at,
      progress: outcome === 'healed' || outcome === null ? 'done' : 'failed',
    });
  }
  return marks;
}

function progressOf(action: ToldRemediation['actions'][number]): RemediationMark['progress'] {
  if (action.finished_at === null) return 'now';
  return action.result === 'failed' || action.result === 'unknown' ? 'failed' : 'done';
}
