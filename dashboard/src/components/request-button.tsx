import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import type { PressedKey } from '../domain/shortcuts.ts';
import { ErrorText } from './error-text.tsx';
import styles from './request-button.module.css';

export interface RequestButtonProps {
  /** POST where absent. */
  readonly method?: 'POST' | 'DELETE';
  readonly path: string;
  /** Of a POST; nothing where absent. */
  readonly body?: object;
  readonly label: string;
  /** What it is done to, for who does not see the place: `Approve restart it on demo-1`. */
  readonly describes: string;
  /** What is read again afterwards: the first parts of query keys. */
  readonly changes: readonly string[];
  /** The key that presses it. */
  readonly shortcut?: PressedKey;
  /** Small where absent. */
  readonly size?: 'compact-xs' | 'xs';
}

/** A button that asks the server for something, and says why where it refuses. */
export function RequestButton({
  method = 'POST',
  path,
  body = {},
  label,
  describes,
  changes,
  shortcut,
  size = 'compact-xs',
}: RequestButtonProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const request = useMutation({
    mutationFn: () => (method === 'POST' ? client.post(path, body) : client.delete(path)),
    onSettled: () => Promise.all(changes.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <span className={styles.handle}>
      <Button
        size={size}
        variant="default"
        loading={request.isPending}
        onClick={() => request.mutate()}
        aria-label={describes}
        data-key={shortcut}
      >
        {label}
      </Button>
      {request.error !== null && (
        <span className={styles.failed} role="alert">
          <ErrorText error={request.error} />
        </span>
      )}
    </span>
  );
}
