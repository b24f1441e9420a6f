import { Button } from '@mantine/core';
import { useState } from 'react';
import type { SilenceSubject } from '../domain/new-silence.ts';
import { SilenceDialog } from './silence-dialog.tsx';

export interface SilenceButtonProps {
  /** `DiskIsFull`, `2 alerts`; names the button and heads the dialog. */
  readonly of: string;
  readonly subject: SilenceSubject;
  readonly label?: string;
  readonly size?: 'compact-xs' | 'xs';
  /** Why it cannot be done now; null: it can. */
  readonly refused?: string | null;
  readonly onDone?: () => void;
}

/** A button that asks for how long and why nobody shall be told of some alerts. The key `s` presses it. */
export function SilenceButton({
  of,
  subject,
  label = 'Silence',
  size = 'compact-xs',
  refused = null,
  onDone,
}: SilenceButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  const close = () => setIsOpen(false);
  const title = `Silence ${of}`;
  return (
    <>
      <Button
        size={size}
        variant="default"
        aria-label={title}
        data-key="s"
        disabled={refused !== null}
        title={refused ?? undefined}
        onClick={() => setIsOpen(true)}
      >
        {label}
      </Button>
      {isOpen && (
        <SilenceDialog
          title={title}
          subject={subject}
          onClose={close}
          onDone={() => {
            close();
            onDone?.();
          }}
        />
      )}
    </>
  );
}
