import { Link } from '@tanstack/react-router';
import type { Why } from '../api/wire.ts';
import { formatElapsed } from '../domain/age.ts';
import { words } from '../domain/event-sentence.ts';
import { remediationTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './link-rows.module.css';
import { ToneLabel } from './tone-dot.tsx';

/** Repairs in short, the newest first, each a way to its story. */
export function RepairLinks({ remediations }: Pick<Why, 'remediations'>) {
  const nowMs = useNow();
  if (remediations.length === 0) return <p className={styles.none}>None was needed.</p>;
  return (
    <ul className={styles.rows}>
      {remediations.map(({ id, policy, state, outcome, planned_at: plannedAt }) => (
        <li key={id} className={styles.row}>
          <Link to="/repairs/$remediationId" params={{ remediationId: id }}>
            {words(policy)}
          </Link>
          <ToneLabel tone={remediationTone(state, outcome)}>{words(outcome ?? state)}</ToneLabel>
          <span className={styles.number}>{formatElapsed(Date.parse(plannedAt), nowMs)} ago</span>
        </li>
      ))}
    </ul>
  );
}
