import { useLostSince } from '../hooks/use-contact.ts';
import styles from './lost-banner.module.css';

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** Says that what the page shows is not what is, and since when; nothing while the server answers. */
export function LostBanner() {
  const lostSinceMs = useLostSince();
  return (
    <div role="alert">
      {lostSinceMs !== null && (
        <p className={styles.lost}>
          <b>Disconnected since {TIME.format(lostSinceMs)}.</b> The page shows how it stood then. It goes on
          by itself when the server answers again.
        </p>
      )}
    </div>
  );
}
