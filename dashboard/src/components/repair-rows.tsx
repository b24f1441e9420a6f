import { Link } from '@tanstack/react-router';
import type { Remediation } from '../api/wire.ts';
import { formatAgo, formatDuration, formatElapsed } from '../domain/age.ts';
import { words } from '../domain/event-sentence.ts';
import { describeAttempts, describeHold } from '../domain/repair-story.ts';
import { useNow } from '../hooks/use-now.ts';
import { RepairStand } from './repair-stand.tsx';
import styles from './rows.module.css';

const COLUMNS = { gridTemplateColumns: 'minmax(0, 1.15fr) minmax(0, 0.75fr) 120px minmax(0, 1.65fr) 68px' };

/** Repairs in short, each a way to its story. */
export function RepairRows({ repairs }: { readonly repairs: readonly Remediation[] }) {
  const nowMs = useNow();
  return (
    <ul className={styles.rows} aria-label="Repairs">
      {repairs.map((repair) => (
        <li key={repair.id}>
          <RepairRow {...{ repair, nowMs }} />
        </li>
      ))}
    </ul>
  );
}

function RepairRow({ repair, nowMs }: { readonly repair: Remediation; readonly nowMs: number }) {
  const { id, policy, target, outcome, planned_at: plannedAt, ended_at: endedAt, reason } = repair;
  const plannedMs = Date.parse(plannedAt);
  const hold = endedAt === null ? describeHold(repair.suppressions, nowMs) : null;
  const took =
    endedAt === null
      ? `for ${formatElapsed(plannedMs, nowMs)}`
      : `took ${formatDuration(Date.parse(endedAt) - plannedMs)}`;
  const attempts = describeAttempts(repair);
  const told = hold ?? (outcome === 'healed' ? null : reason);
  return (
    <div className={styles.row} style={COLUMNS}>
      <span className={styles.name}>
        <Link to="/repairs/$remediationId" params={{ remediationId: id }} data-row>
          {words(policy)}
        </Link>
      </span>
      <span className={styles.cell}>
        <TargetName target={target} />
      </span>
      <span>
        <RepairStand repair={repair} />
      </span>
      <span className={styles.cell}>{attempts === null ? took : `${took}, ${attempts}`}</span>
      <span className={`${styles.cell} ${styles.end}`}>
        {endedAt === null ? '' : formatAgo(plannedMs, nowMs)}
      </span>
      {told !== null && <span className={styles.wide}>{told}</span>}
    </div>
  );
}

/** What a repair is done to, as a way there. */
export function TargetName({ target }: Pick<Remediation, 'target'>) {
  if (target.kind === 'agent') {
    return (
      <Link to="/fleet/$agentId" params={{ agentId: target.id }}>
        {target.id}
      </Link>
    );
  }
  return (
    <Link to="/fleet" search={{ pool: target.id }}>
      {target.kind} {target.id}
    </Link>
  );
}
