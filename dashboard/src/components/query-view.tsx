import { Button, Skeleton } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorText } from './error-text.tsx';
import styles from './query-view.module.css';

export interface QueryViewProps<Data> {
  readonly query: UseQueryResult<Data>;
  /** How many lines to hold the place with while the first answer is on its way. */
  readonly placeholderLines: number;
  readonly children: (data: Data) => ReactNode;
}

/** What was read; a placeholder before that, and the reason with a way to try again where it failed. */
export function QueryView<Data>({ query, placeholderLines, children }: QueryViewProps<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.error !== null) {
    return (
      <div className={styles.error} role="alert">
        <p className={styles.text}>
          Could not be read: <ErrorText error={query.error} />
        </p>
        <Button size="xs" variant="default" onClick={() => void query.refetch()}>
          Try again
        </Button>
      </div>
    );
  }
  return (
    <div className={styles.placeholder} role="status" aria-busy="true" aria-label="Loading">
      {Array.from({ length: placeholderLines }, (_, line) => (
        <Skeleton key={line} height={18} width={`${92 - 14 * (line % 3)}%`} radius="sm" />
      ))}
    </div>
  );
}

/** Says in a calm voice that there is nothing, and what that means. */
export function Nothing({ children }: { readonly children: ReactNode }) {
  return <p className={styles.nothing}>{children}</p>;
}
