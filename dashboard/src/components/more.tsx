import { Button } from '@mantine/core';
import styles from './more.module.css';
import { number } from '../domain/count.ts';

export interface MoreProps {
  readonly shown: number;
  /** How many there are; null where only the server’s next page would tell. */
  readonly total: number | null;
  /** What they are, and which are shown: `agents, those in trouble first`. */
  readonly what: string;
  /** Shows more of them. */
  readonly onMore: () => void;
}

/** Says that a list is longer than what is shown of it, and shows more. */
export function More({ shown, total, what, onMore }: MoreProps) {
  return (
    <p className={styles.more}>
      <span>
        {total === null ? `The first ${number(shown)}` : `${number(shown)} of ${number(total)}`} {what}.
      </span>
      <Button size="compact-xs" variant="default" onClick={onMore} aria-label={`Show more ${what}`}>
        Show more
      </Button>
    </p>
  );
}
