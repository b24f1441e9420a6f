import type { ReactNode } from 'react';
import styles from './page-title.module.css';

export interface PageTitleProps {
  readonly children: ReactNode;
  /** A short fact beside the title. */
  readonly note?: ReactNode;
}

/** What a page is about; its one heading of the first level. */
export function PageTitle({ children, note }: PageTitleProps) {
  return (
    <div className={styles.row}>
      <h1 className={styles.title}>{children}</h1>
      {note !== undefined && <span className={styles.note}>{note}</span>}
    </div>
  );
}
