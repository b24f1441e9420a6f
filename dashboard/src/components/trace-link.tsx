import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import styles from './trace-link.module.css';

export interface TraceLinkProps {
  /** Null where nothing was traced: then there is nothing to show. */
  readonly traceId: string | null;
  /** What the trace is of, for those who hear the page. */
  readonly of: string;
  readonly children?: ReactNode;
}

/** The way to the whole story of something. */
export function TraceLink({ traceId, of, children = 'trace' }: TraceLinkProps) {
  if (traceId === null) return null;
  return (
    <Link className={styles.link} to="/traces/$traceId" params={{ traceId }} aria-label={`Trace of ${of}`}>
      {children}
    </Link>
  );
}
