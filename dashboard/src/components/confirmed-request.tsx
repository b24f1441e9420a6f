import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Order } from '../domain/palette.ts';
import { Dialog } from './dialog.tsx';
import { OrderQuestion } from './order-question.tsx';

export interface ConfirmedRequestProps {
  readonly label: string;
  /** What it is done to: `demo-1`. With the label it names the button and heads the question. */
  readonly of: string;
  readonly order: Order;
  /** Asks for a reason; this one is sent where none is given. Absent: none is sent. */
  readonly reason?: string | undefined;
  /** What may lose something is in the colour of that. */
  readonly isGrave?: boolean;
  /** Why it cannot be done now; null: it can. */
  readonly refused?: string | null;
}

/** A button that says what it would do, and asks the server for it when that is confirmed. */
export function ConfirmedRequest(props: ConfirmedRequestProps) {
  const { label, of, order, reason, isGrave = false, refused = null } = props;
  const [isOpen, setIsOpen] = useState(false);
  const close = () => setIsOpen(false);
  const title = `${label} ${of}`;
  return (
    <>
      <Button
        size="xs"
        variant="default"
        aria-label={title}
        disabled={refused !== null}
        title={refused ?? undefined}
        onClick={() => setIsOpen(true)}
      >
        {label}
      </Button>
      {isOpen && (
        <Dialog name={title} onClose={close}>
          <OrderQuestion {...{ title, order, reason, isGrave }} onBack={close} onDone={close} />
        </Dialog>
      )}
    </>
  );
}
