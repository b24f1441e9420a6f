import { useId, useState, type ReactNode } from 'react';
import { useIsPhone } from '../hooks/use-is-phone.ts';
import styles from './panel.module.css';

export interface PanelProps {
  readonly title: string;
  /** A short fact beside the title. */
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  /** Whether a phone shows the title and the note alone until somebody opens it. */
  readonly foldsOnPhone?: boolean;
  readonly children: ReactNode;
}

/** One part of a page under its own heading. */
export function Panel({ title, note, actions, foldsOnPhone = false, children }: PanelProps) {
  const headingId = useId();
  const bodyId = useId();
  const isPhone = useIsPhone();
  const [isOpen, setIsOpen] = useState(false);
  const folds = foldsOnPhone && isPhone;
  const isShown = !folds || isOpen;
  return (
    <section className={styles.panel} aria-labelledby={headingId}>
      <header className={styles.header}>
        <h2 id={headingId} className={styles.title}>
          {folds ? (
            <button
              type="button"
              className={styles.fold}
              aria-expanded={isOpen}
              aria-controls={isOpen ? bodyId : undefined}
              onClick={() => setIsOpen(!isOpen)}
            >
              {title}
            </button>
          ) : (
            title
          )}
        </h2>
        {note !== undefined && <span className={styles.note}>{note}</span>}
        {isShown && actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </header>
      {folds ? isOpen && <div id={bodyId}>{children}</div> : children}
    </section>
  );
}
