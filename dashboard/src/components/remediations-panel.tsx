import type { UseQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Remediation } from '../api/wire.ts';
import { formatAgo, formatDuration, formatElapsed } from '../domain/age.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import { describeNoRepairs, describeRepairs, isOpen, type FleetCounts } from '../domain/headline.ts';
import { describeSteps, type RemediationMark } from '../domain/remediation-steps.ts';
import { describeAttempts, describeHold, describePastHolds } from '../domain/repair-story.ts';
import { useNow } from '../hooks/use-now.ts';
import { Output } from './output.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import styles from './remediations-panel.module.css';
import { RepairStand } from './repair-stand.tsx';
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
    <Panel title="Repairs" note={(counts && describeRepairs(counts)) ?? undefined} foldsOnPhone>
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

/** One repair with its steps; it stands in a list. */
export function RemediationSteps({
  remediation,
  nowMs,
}: {
  readonly remediation: Remediation;
  readonly nowMs: number;
}) {
  const { policy, target, planned_at: plannedAt, ended_at: endedAt } = remediation;
  const running = isOpen(remediation);
  const attempts = describeAttempts(remediation);
  const hold = running ? describeHold(remediation.suppressions, nowMs) : null;
  const plannedMs = Date.parse(plannedAt);
  const tookMs = (endedAt === null ? nowMs : Date.parse(endedAt)) - plannedMs;
  return (
    <li className={styles.remediation} data-running={running} data-row>
      <div className={styles.head}>
        <Link
          className={styles.policy}
          to="/repairs/$remediationId"
          params={{ remediationId: remediation.id }}
        >
          {words(policy)}
        </Link>
        <RepairStand repair={remediation} />
      </div>
      <p className={styles.facts}>
        <span>
          {target.kind} {target.id}
        </span>
        <span>{running ? `for ${formatElapsed(plannedMs, nowMs)}` : `took ${formatDuration(tookMs)}`}</span>
        {!running && <span>{formatAgo(plannedMs, nowMs)}</span>}
        {attempts !== null && <span>{attempts}</span>}
        <TraceLink traceId={remediation.trace_id} of={`${policy} on ${target.id}`} />
      </p>
      <ol className={styles.marks}>
        {describeSteps(remediation).map((mark) => (
          <Mark key={mark.key} mark={mark} plannedMs={plannedMs} />
        ))}
      </ol>
      {hold !== null && <p className={styles.guard}>{hold}</p>}
      <Grounds remediation={remediation} />
      <Output text={remediation.last_output} of={target.id} />
    </li>
  );
}

/** What it acted on: the evidence, and what each guard saw that let it pass; folded until somebody asks. */
function Grounds({ remediation }: { readonly remediation: Remediation }) {
  const { evidence, actions, suppressions, policy, target } = remediation;
  const passed = actions.at(-1)?.passed_guards ?? [];
  const past = describePastHolds(suppressions);
  if (evidence === null) return null;
  return (
    <details className={styles.grounds}>
      <summary aria-label={`Why it acted: ${words(policy)} on ${target.id}`}>Why it acted</summary>
      <p>{sentence(evidence)}</p>
      {past !== null && <p>{past}</p>}
      {passed.length > 0 && (
        <dl>
          {passed.map(({ guard, saw }) => (
            <div key={guard}>
              <dt>{words(guard)}</dt>
              <dd>{saw}</dd>
            </div>
          ))}
        </dl>
      )}
    </details>
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
