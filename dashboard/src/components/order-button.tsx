import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { AlertOrder, Typed } from '../domain/alert-orders.ts';
import type { PressedKey } from '../domain/shortcuts.ts';
import { Dialog } from './dialog.tsx';
import { ErrorText } from './error-text.tsx';
import styles from './silence-dialog.module.css';

export interface OrderButtonProps {
  /** `DiskIsFull`; with the label it names the button and heads the question. */
  readonly of: string;
  readonly order: AlertOrder;
  /** Where it goes, without its last part. */
  readonly path: string;
  /** What is read again afterwards: the first parts of query keys. */
  readonly changes: readonly string[];
  /** The key that presses it. */
  readonly shortcut?: PressedKey;
  /** Why there is nothing to order any more: no button then, but who has begun to write is told so. Null: there is. */
  readonly overtaken?: string | null;
}

/** A button that says what an order brings about, asks what there is to say to it, and gives it. */
export function OrderButton(props: OrderButtonProps) {
  const { of, order, shortcut, overtaken = null } = props;
  const [isOpen, setIsOpen] = useState(false);
  const title = `${order.label} ${of}`;
  const close = () => setIsOpen(false);
  return (
    <>
      {overtaken === null && (
        <Button
          size="xs"
          variant="default"
          aria-label={title}
          data-key={shortcut}
          onClick={() => setIsOpen(true)}
        >
          {order.label}
        </Button>
      )}
      {isOpen && (
        <Dialog name={title} onClose={close}>
          <OrderForm {...props} title={title} onClose={close} />
        </Dialog>
      )}
    </>
  );
}

interface OrderFormProps extends OrderButtonProps {
  readonly title: string;
  readonly onClose: () => void;
}

function OrderForm({ title, order, path, changes, overtaken = null, onClose }: OrderFormProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const id = useId();
  const [typed, setTyped] = useState<Typed>(() =>
    Object.fromEntries(order.fields.map(({ name, initial = '' }) => [name, initial])),
  );
  const [faults, setFaults] = useState<Typed>({});
  const request = useMutation({
    mutationFn: (body: object) => client.post(`${path}/${order.verb}`, body),
    onSuccess: onClose,
    onSettled: () => Promise.all(changes.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  // What it has just done itself is known before its answer is there.
  const isOvertaken = overtaken !== null && request.isIdle;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isOvertaken) return;
    const read = order.read(typed);
    setFaults('faults' in read ? read.faults : {});
    if ('body' in read) request.mutate(read.body);
  };
  return (
    <form className={`${styles.dialog} ${styles.form}`} onSubmit={submit} noValidate>
      <h2 className={styles.title}>{title}?</h2>
      <p className={styles.effect}>{order.effect}</p>
      {order.fields.map(({ name, label, placeholder, choices = [], maxLength }, place) => (
        <div key={name}>
          <TextInput
            size="xs"
            label={label}
            placeholder={placeholder}
            maxLength={maxLength}
            list={choices.length > 0 ? `${id}${name}` : undefined}
            autoFocus={place === 0}
            value={typed[name] ?? ''}
            error={faults[name]}
            onChange={({ currentTarget: { value } }) => setTyped((before) => ({ ...before, [name]: value }))}
          />
          {choices.length > 0 && (
            <datalist id={`${id}${name}`}>
              {choices.map((choice) => (
                <option key={choice} value={choice} />
              ))}
            </datalist>
          )}
        </div>
      ))}
      {request.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={request.error} />
        </p>
      )}
      {isOvertaken && (
        <p className={styles.failed} role="alert">
          {overtaken}
        </p>
      )}
      <div className={styles.buttons}>
        <Button size="xs" variant="default" onClick={onClose}>
          Back
        </Button>
        <Button size="xs" type="submit" loading={request.isPending} disabled={isOvertaken}>
          {title}
        </Button>
      </div>
    </form>
  );
}
