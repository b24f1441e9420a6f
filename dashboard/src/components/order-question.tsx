import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { Order } from '../domain/palette.ts';
import { ErrorText } from './error-text.tsx';
import styles from './order-question.module.css';

export interface OrderQuestionProps {
  /** `Restart demo-1` */
  readonly title: string;
  readonly order: Order;
  /** Asks for a reason and sends it with the body, this one where none is given; absent: none is asked for. */
  readonly reason?: string | undefined;
  /** What may lose something is in the colour of that. */
  readonly isGrave?: boolean;
  readonly onBack: () => void;
  readonly onDone: () => void;
}

/** Says what an order brings about, and gives it when that is confirmed. */
export function OrderQuestion(props: OrderQuestionProps) {
  const { title, order, reason, isGrave = false, onBack, onDone } = props;
  const { client } = useServer();
  const queries = useQueryClient();
  const [given, setGiven] = useState('');
  const request = useMutation({
    mutationFn: () => {
      if (order.method === 'DELETE') return client.delete(order.path);
      const told = reason === undefined ? {} : { reason: given.trim() || reason };
      return client.post(order.path, { ...order.body, ...told });
    },
    onSuccess: onDone,
    onSettled: () => Promise.all(order.changes.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    request.mutate();
  };
  return (
    <form className={styles.question} onSubmit={submit}>
      <h2 className={styles.title}>{title}?</h2>
      <p className={styles.effect}>{order.effect}</p>
      {reason !== undefined && (
        <TextInput
          size="xs"
          label="Reason"
          placeholder={reason}
          maxLength={500}
          value={given}
          onChange={(event) => setGiven(event.currentTarget.value)}
        />
      )}
      {request.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={request.error} />
        </p>
      )}
      <div className={styles.buttons}>
        <Button size="xs" variant="default" onClick={onBack}>
          Back
        </Button>
        <Button
          size="xs"
          type="submit"
          autoFocus
          loading={request.isPending}
          {...(isGrave ? { color: 'red' } : {})}
        >
          {title}
        </Button>
      </div>
    </form>
  );
}
