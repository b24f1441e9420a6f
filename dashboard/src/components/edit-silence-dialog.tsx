import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { Silence } from '../api/wire.ts';
import {
  editedSilence,
  isForOthers,
  readEditedSilence,
  type EditedSilence,
  type EditedSilenceFaults,
} from '../domain/changed-silence.ts';
import { Dialog } from './dialog.tsx';
import { ErrorText } from './error-text.tsx';
import styles from './silence-dialog.module.css';
import { SilencedMatchers } from './silenced-matchers.tsx';

export interface EditSilenceDialogProps {
  /** As it was when somebody began to edit it. */
  readonly silence: Silence;
  readonly title: string;
  readonly onClose: () => void;
}

/**
 * Asks for which alerts a silence is to be, and why. It does not stand in the row of the silence, which goes when somebody else ends
 * it.
 */
export function EditSilenceDialog({ silence, title, onClose }: EditSilenceDialogProps) {
  return (
    <Dialog name={title} onClose={onClose}>
      <div className={styles.dialog}>
        <h2 className={styles.title}>{title}</h2>
        <EditForm silence={silence} onClose={onClose} />
      </div>
    </Dialog>
  );
}

function EditForm({ silence, onClose }: Omit<EditSilenceDialogProps, 'title'>) {
  const { client } = useServer();
  const queries = useQueryClient();
  const before = editedSilence(silence);
  const [edited, setEdited] = useState<EditedSilence>(before);
  const [faults, setFaults] = useState<EditedSilenceFaults>({});
  const change = useMutation({
    mutationFn: (order: object) =>
      client.post<Silence>(`/api/v1/alerts/silences/${encodeURIComponent(silence.id)}/change`, order),
    onSuccess: onClose,
    onSettled: () =>
      Promise.all(['silences', 'notifications'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const read = readEditedSilence(edited, before);
    setFaults('faults' in read ? read.faults : {});
    if (!('order' in read)) return;
    if (read.order === null) onClose();
    else change.mutate(read.order);
  };
  const field = (name: 'matchers' | 'comment') => ({
    size: 'xs' as const,
    value: edited[name],
    error: faults[name],
    onChange: ({ currentTarget: { value } }: { readonly currentTarget: { readonly value: string } }) =>
      setEdited((old) => ({ ...old, [name]: value })),
  });
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <SilencedMatchers {...field('matchers')} />
      {isForOthers(edited, before) && (
        <p className={styles.note}>This silence ends now, and another takes its place until the same time.</p>
      )}
      <TextInput label="Why" maxLength={2_000} data-autofocus {...field('comment')} />
      <label className={styles.choice}>
        <input
          type="checkbox"
          checked={edited.untilResolved}
          onChange={({ currentTarget: { checked } }) =>
            setEdited((old) => ({ ...old, untilResolved: checked }))
          }
        />{' '}
        End it when none of these alerts fires any more
      </label>
      {change.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={change.error} />
        </p>
      )}
      <div className={styles.buttons}>
        <Button size="xs" variant="default" onClick={onClose}>
          Back
        </Button>
        <Button size="xs" type="submit" loading={change.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
