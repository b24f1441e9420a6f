import { Button, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type FormEvent } from 'react';
import { silencePreviewQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Silence } from '../api/wire.ts';
import { splitMatchers } from '../domain/alert-filter.ts';
import { describeAlert } from '../domain/alert-text.ts';
import { count, number } from '../domain/count.ts';
import {
  initialMatchers,
  readTypedSilence,
  SILENCE_DURATIONS,
  type SilenceFaults,
  type SilenceSubject,
  type TypedSilence,
} from '../domain/new-silence.ts';
import { Dialog } from './dialog.tsx';
import { ErrorText } from './error-text.tsx';
import styles from './silence-dialog.module.css';

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
  const several = subject.kind === 'alerts' && subject.alerts.length > 1 ? subject.alerts.length : null;
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      {several === null ? (
        <>
          <Textarea
            className={styles.matchers ?? ''}
            label="For alerts that match all of"
            placeholder={'team="web"\nhost=~"a.*"'}
            spellCheck={false}
            autosize
            minRows={2}
            maxRows={8}
            {...field('matchers')}
          />
          <Preview matchers={splitMatchers(typed.matchers)} />
        </>
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

/** How many alerts fire that it would be for, and the first of them. */
export function Preview({ matchers }: { readonly matchers: readonly string[] }) {
  const { client } = useServer();
  const { data, error } = useQuery(silencePreviewQuery(client, matchers));
  if (matchers.length === 0) return <p className={styles.note}>It is for no alert yet.</p>;
  if (error !== null) {
    return (
      <p className={styles.failed} role="status">
        {error.message}
      </p>
    );
  }
  if (data === undefined) return <p className={styles.note}>Being counted.</p>;
  const { firing, alerts } = data;
  const names = alerts.slice(0, 4).map(({ labels, severity }) => {
    const told = { labels, severity, rule_id: '', annotations: {}, acknowledged_by: null, fired_at: '' };
    const { name, subject } = describeAlert(told);
    return subject === null ? name : `${name} of ${subject}`;
  });
  const rest = firing - names.length;
  const named =
    names.length === 0 ? '' : `: ${names.join(', ')}${rest > 0 ? ` and ${number(rest)} more` : ''}`;
  return (
    <p className={styles.note} role="status">
      {firing === 0
        ? 'No alert that fires now'
        : `${count(firing, 'alert')} that ${firing === 1 ? 'fires' : 'fire'} now`}
      {named}
    </p>
  );
}
