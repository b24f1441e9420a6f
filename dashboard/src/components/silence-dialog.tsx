import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { Silence } from '../api/wire.ts';
import {
  initialMatchers,
  isTyped,
  readTypedSilence,
  SILENCE_DURATIONS,
  type SilenceFaults,
  type SilenceSubject,
  type TypedSilence,
} from '../domain/new-silence.ts';
import { Dialog } from './dialog.tsx';
import { ErrorText } from './error-text.tsx';
import styles from './silence-dialog.module.css';
import { SilencedMatchers } from './silenced-matchers.tsx';

export interface SilenceDialogProps {
  /** Heads the dialog: `Silence DiskIsFull`. */
  readonly title: string;
  readonly subject: SilenceSubject;
  readonly onClose: () => void;
  readonly onDone?: () => void;
}

/** Asks for which alerts, how long and why nobody shall be told, says how many fire that it would be for, and sets the silence. */
export function SilenceDialog({ title, subject, onClose, onDone = onClose }: SilenceDialogProps) {
  return (
    <Dialog name={title} onClose={onClose}>
      <div className={styles.dialog}>
        <h2 className={styles.title}>{title}</h2>
        <SilenceForm subject={subject} onBack={onClose} onDone={onDone} />
      </div>
    </Dialog>
  );
}

interface SilenceFormProps {
  readonly subject: SilenceSubject;
  /** Absent: there is nowhere to go back to. */
  readonly onBack?: () => void;
  readonly onDone?: () => void;
}

/** The form of a new silence. */
export function SilenceForm({ subject, onBack, onDone }: SilenceFormProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const durations = useId();
  const [typed, setTyped] = useState<TypedSilence>({
    matchers: initialMatchers(subject),
    duration: '1h',
    comment: '',
    untilResolved: false,
  });
  const [faults, setFaults] = useState<SilenceFaults>({});
  const set = useMutation({
    mutationFn: (order: object) => client.post<Silence>('/api/v1/alerts/silences', order),
    onSuccess: () => {
      setTyped((before) => ({ ...before, matchers: initialMatchers(subject), comment: '' }));
      onDone?.();
    },
    onSettled: () =>
      Promise.all(['silences', 'notifications'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const read = readTypedSilence(typed, subject);
    setFaults('faults' in read ? read.faults : {});
    if ('order' in read) set.mutate(read.order);
  };
  const field = (name: 'matchers' | 'duration' | 'comment') => ({
    size: 'xs' as const,
    value: typed[name],
    error: faults[name],
    onChange: ({ currentTarget: { value } }: { readonly currentTarget: { readonly value: string } }) =>
      setTyped((before) => ({ ...before, [name]: value })),
  });
  const several = subject.kind === 'alerts' && !isTyped(subject) ? subject.alerts.length : null;
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      {several === null ? (
        <SilencedMatchers {...field('matchers')} />
      ) : (
        <p className={styles.note}>For these {several} alerts, each by all of its labels.</p>
      )}
      <div className={styles.pair}>
        <TextInput label="For how long" list={durations} {...field('duration')} />
        <TextInput label="Why" maxLength={2_000} data-autofocus {...field('comment')} />
      </div>
      <datalist id={durations}>
        {SILENCE_DURATIONS.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <label className={styles.choice}>
        <input
          type="checkbox"
          checked={typed.untilResolved}
          onChange={({ currentTarget: { checked } }) =>
            setTyped((before) => ({ ...before, untilResolved: checked }))
          }
        />{' '}
        End it when none of these alerts fires any more
      </label>
      {set.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={set.error} />
        </p>
      )}
      <div className={styles.buttons}>
        {onBack && (
          <Button size="xs" variant="default" onClick={onBack}>
            Back
          </Button>
        )}
        <Button size="xs" type="submit" loading={set.isPending}>
          Silence
        </Button>
      </div>
    </form>
  );
}
