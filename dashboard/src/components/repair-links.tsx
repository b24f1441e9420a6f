import { Link } from '@tanstack/react-router';
import type { Why } from '../api/wire.ts';
import { formatAgo } from '../domain/age.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import { describeHold, describeNotPlanned, type NotPlanned } from '../domain/repair-story.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './link-rows.module.css';
import { RepairStand } from './repair-stand.tsx';
import { ToneLabel } from './tone-dot.tsx';

export interface RepairLinksProps extends Pick<Why, 'remediations'> {
  /** Those that a guard has held back before they were planned. */
  readonly notPlanned?: readonly NotPlanned[];
  /** Why there is none, where that is known. */
  readonly none?: Why['no_repair'];
}

/** Repairs in short, the newest first, each a way to its story, with what holds it back now. */
export function RepairLinks({ remediations, notPlanned = [], none = null }: RepairLinksProps) {
  const nowMs = useNow();
  if (remediations.length + notPlanned.length === 0)
    return <p className={styles.none}>{none === null ? 'None so far.' : sentence(`None: ${none}`)}</p>;
  return (
    <ul className={styles.rows}>
      {remediations.map((repair) => (
        <li key={repair.id} className={styles.row}>
          <Link to="/repairs/$remediationId" params={{ remediationId: repair.id }}>
            {words(repair.policy)}
          </Link>
          <RepairStand repair={repair} />
          <span className={styles.number}>{formatAgo(Date.parse(repair.planned_at), nowMs)}</span>
          <Hold text={describeHold(repair.suppressions, nowMs)} />
        </li>
      ))}
      {notPlanned.map((repair) => (
        <li key={repair.policy} className={styles.row}>
          <span>{words(repair.policy)}</span>
          <ToneLabel tone="caution">held back</ToneLabel>
          <Hold text={describeNotPlanned(repair)} />
        </li>
      ))}
      {none !== null && (
        <li className={styles.row}>
          <span>None of what fires now</span>
          <Hold text={sentence(none)} />
        </li>
      )}
    </ul>
  );
}

function Hold({ text }: { readonly text: string | null }) {
  return text === null ? null : <span className={styles.hold}>{text}</span>;
}
