import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import styles from './post-button.module.css';

export interface PostButtonProps {
  readonly path: string;
  readonly label: string;
  /** What it is done to, for who does not see the place: `Approve restart it on demo-1`. */
  readonly describes: string;
  /** What is read again afterwards: the first parts of query keys. */
  readonly changes: readonly string[];
}

/** A button that asks the server for something, and says why where it refuses. */
export function PostButton({ path, label, describes, changes }: PostButtonProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const post = useMutation({
    mutationFn: () => client.post(path, {}),
    onSettled: () => Promise.all(changes.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <span className={styles.handle}>
      <Button
        size="compact-xs"
        variant="default"
        loading={post.isPending}
        onClick={() => post.mutate()}
        aria-label={describes}
      >
        {label}
      </Button>
      {post.error !== null && (
        <span className={styles.failed} role="alert">
          {post.error.message}
        </span>
      )}
    </span>
  );
}
