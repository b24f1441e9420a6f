import { Link } from '@tanstack/react-router';
import type { Why } from '../api/wire.ts';
import { formatAgo } from '../domain/age.ts';
import { sentence, words } from '../domain/event-sentence.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './link-rows.module.css';
import { RepairStand } from './repair-stand.tsx';

/** Repairs in short, the newest first, each a way to its story. @param none why there is none, where that is known */
export function RepairLinks({
  remediations,
  none = null,
}: Pick<Why, 'remediations'> & { readonly none?: Why['no_repair'] }) {
  const nowMs = useNow();
  if (remediations.length === 0)
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
        </li>
      ))}
    </ul>
  );
}
