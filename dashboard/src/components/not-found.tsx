import { Link } from '@tanstack/react-router';
import styles from './page-title.module.css';

/** For an address that no page has; it stands in the shell where there is one. */
export function NotFound() {
  return (
    <div className={styles.lost}>
      <h1 className={styles.title}>There is no such page</h1>
      <p className={styles.note}>
        Nothing has this address, or it is not remembered any more. <Link to="/">Overview</Link>
      </p>
    </div>
  );
}
