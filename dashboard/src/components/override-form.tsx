import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { OnCallSchedule } from '../api/wire.ts';
import { parseDuration } from '../domain/new-silence.ts';
import { standInFor } from '../domain/on-call-text.ts';
import { ErrorText } from './error-text.tsx';
import styles from './silence-dialog.module.css';

export interface OverrideFormProps {
  readonly schedules: readonly OnCallSchedule[];
  readonly people: readonly string[];
}

/** Puts somebody on call from now on, in the place of whoever a schedule has. */
export function OverrideForm({ schedules, people }: OverrideFormProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const [schedule, setSchedule] = useState(schedules[0]?.schedule ?? '');
  // Until somebody was chosen: whoever the schedule does not have now.
  const [chosen, setChosen] = useState<string | null>(null);
  const present = schedules.find((one) => one.schedule === schedule);
  const person = chosen ?? standInFor(present ?? { on_call: null }, people);
  const [duration, setDuration] = useState('12h');
  const [comment, setComment] = useState('');
  const durationMs = parseDuration(duration);
  const add = useMutation({
    mutationFn: () =>
      client.post('/api/v1/alerts/on-call/overrides', { schedule, person, duration_ms: durationMs, comment }),
    onSuccess() {
      setComment('');
      setChosen(null);
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['on-call'] }),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (durationMs !== null) add.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit} noValidate>
      <NativeSelect
        size="xs"
        label="Schedule"
        data={schedules.map((one) => one.schedule)}
        value={schedule}
        onChange={({ currentTarget: { value } }) => setSchedule(value)}
      />
      <NativeSelect
        size="xs"
        label="Who"
        data={[...people]}
        value={person}
        onChange={({ currentTarget: { value } }) => setChosen(value)}
      />
      <div className={styles.pair}>
        <TextInput
          size="xs"
          label="For how long"
          value={duration}
          error={durationMs === null ? 'Write how long, such as 30m, 4h or 2d.' : null}
          onChange={({ currentTarget: { value } }) => setDuration(value)}
        />
        <TextInput
          size="xs"
          label="Why"
          maxLength={2_000}
          value={comment}
          onChange={({ currentTarget: { value } }) => setComment(value)}
        />
      </div>
      {add.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={add.error} />
        </p>
      )}
      <div className={styles.buttons}>
        <Button size="xs" type="submit" loading={add.isPending}>
          Put on call
        </Button>
      </div>
    </form>
  );
}
