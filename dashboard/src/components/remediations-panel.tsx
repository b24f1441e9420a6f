import type { UseQueryResult } from '@tanstack/react-query';
import type { Remediation } from '../api/wire.ts';
import { formatAge, formatDuration, formatElapsed } from '../domain/age.ts';
import { words } from '../domain/event-sentence.ts';
import { describeNoRepairs, describeRepairs, isOpen, type FleetCounts } from '../domain/headline.ts';
import { describeSteps, type RemediationMark } from '../domain/remediation-steps.ts';
import { remediationTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import styles from './remediations-panel.module.css';
import { ToneLabel } from './tone-dot.tsx';
import { TraceLink } from './trace-link.tsx';

export interface RemediationsPanelProps {
  readonly remediations: UseQueryResult<readonly Remediation[]>;
  /** How many are open; null before it is known. */
  readonly counts: FleetCounts | null;
}

/** What the watchdog does, then what it did or would do, newest first, each with its steps. */
export function RemediationsPanel({ remediations, counts }: RemediationsPanelProps) {
  const nowMs = useNow();
  return (
    <Panel title="Repairs" note={(counts && describeRepairs(counts)) ?? undefined}>
      <QueryView query={remediations} placeholderLines={4}>
        {(found) =>
          found.length === 0 ? (
            <Nothing>{describeNoRepairs(counts)}</Nothing>
          ) : (
            <ol className={styles.remediations}>
              {found.map((remediation) => (
                <RemediationSteps key={remediation.id} remediation={remediation} nowMs={nowMs} />
              ))}
            </ol>
          )
        }
      </QueryView>
    </Panel>
  );
}

function RemediationSteps({
  remediation,
  nowMs,
}: {
  readonly remediation: Remediation;
  readonly nowMs: number;
}) {
  const { policy, target, state, outcome, planned_at: plannedAt, ended_at: endedAt } = remediation;
  const running = isOpen(remediation);
  const held = running ? remediation.suppressions : [];
  const plannedMs = Date.parse(plannedAt);
  const tookMs = (endedAt === null ? nowMs : Date.parse(endedAt)) - plannedMs;
  return (
    <li className={styles.remediation} data-running={running}>
      <div className={styles.head}>
        <span className={styles.policy}>{words(policy)}</span>
        <ToneLabel tone={remediationTone(state, outcome)}>{words(outcome ?? state)}</ToneLabel>
      </div>
      <p className={styles.facts}>
        <span>
          {target.kind} {target.id}
        </span>
        <span>{running ? `for ${formatElapsed(plannedMs, nowMs)}` : `took ${formatDuration(tookMs)}`}</span>
        {!running && <span>{formatAge(plannedMs, nowMs)} ago</span>}
        <TraceLink traceId={remediation.trace_id} of={`${policy} on ${target.id}`} />
      </p>
      <ol className={styles.marks}>
        {describeSteps(remediation).map((mark) => (
          <Mark key={mark.key} mark={mark} plannedMs={plannedMs} />
        ))}
      </ol>
      {held.map(({ guard, reason }) => (
        <p key={guard} className={styles.guard}>
          Held back by {words(guard)}: {reason}
        </p>
      ))}
    </li>
  );
}

function Mark({ mark, plannedMs }: { readonly mark: RemediationMark; readonly plannedMs: number }) {
  const afterMs = mark.at === null ? null : Date.parse(mark.at) - plannedMs;
  return (
    <li className={styles.mark} data-progress={mark.progress}>
      <span>{mark.text}</span>
      {afterMs !== null && afterMs > 0 && <span className={styles.after}>+{formatDuration(afterMs)}</span>}
    </li>
  );
}
