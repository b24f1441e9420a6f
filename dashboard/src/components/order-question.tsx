import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useServer } from '../api/server-context.tsx';
import { sentence } from '../domain/event-sentence.ts';
import type { Order } from '../domain/palette.ts';
import styles from './order-question.module.css';

export interface OrderQuestionProps {
  /** `Restart demo-1` */
  readonly title: string;
  readonly order: Order;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

/** Says what an order brings about, and gives it when that is confirmed. */
export function OrderQuestion({ title, order, onBack, onDone }: OrderQuestionProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const request = useMutation({
    mutationFn: () =>
      order.method === 'DELETE' ? client.delete(order.path) : client.post(order.path, order.body ?? {}),
    onSuccess: onDone,
    onSettled: () => Promise.all(order.changes.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  return (
    <div className={styles.question}>
      <h2 className={styles.title}>{title}?</h2>
      <p className={styles.effect}>{order.effect}</p>
      {request.error !== null && (
        <p className={styles.failed} role="alert">
          {sentence(request.error.message)}
        </p>
      )}
      <div className={styles.buttons}>
        <Button size="xs" variant="default" onClick={onBack}>
          Back
        </Button>
        <Button size="xs" autoFocus loading={request.isPending} onClick={() => request.mutate()}>
          {title}
        </Button>
      </div>
    </div>
  );
}
