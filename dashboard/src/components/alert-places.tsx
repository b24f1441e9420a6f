import { Link } from '@tanstack/react-router';
import { PAGES } from '../domain/pages.ts';
import styles from './filter-chips.module.css';
import places from './alert-places.module.css';

/** The way between the pages about alerts: what fires, by which rules, what is silenced, and who is told. */
export function AlertPlaces() {
  return (
    <nav className={`${styles.chips} ${places.places}`} aria-label="About alerts">
      {PAGES.filter(({ to, within }) => to === '/alerts' || within === '/alerts').map(({ to, name }) => (
        <Link
          key={to}
          to={to}
          className={styles.chip}
          activeOptions={{ exact: true, includeSearch: false }}
          activeProps={{ 'data-chosen': 'true' }}
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}
