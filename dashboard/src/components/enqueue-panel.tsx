import { Button, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useId, useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { Task } from '../api/wire.ts';
import { readTypedTask, type TypedFaults, type TypedTask } from '../domain/new-task.ts';
import { PHASES } from '../domain/queue-history.ts';
import styles from './enqueue-panel.module.css';
import { ErrorText } from './error-text.tsx';
import { Panel } from './panel.tsx';

const EMPTY: TypedTask = { type: '', phase: 'PHASE_IMPLEMENTATION', priority: '0', pool: '', payload: '' };

/** A form for one task more. */
export function EnqueuePanel() {
  const { client } = useServer();
  const queries = useQueryClient();
  const phases = useId();
  const [typed, setTyped] = useState(EMPTY);
  const [faults, setFaults] = useState<TypedFaults>({});
  const enqueue = useMutation({
    mutationFn: (task: object) =>
      client.post<{ task: Pick<Task, 'task_id' | 'task_type'> }>('/api/v1/fleet/tasks', task),
    onSuccess: () => setTyped((before) => ({ ...before, payload: '' })),
    onSettled: () =>
      Promise.all(['tasks', 'queue'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const read = readTypedTask(typed);
    setFaults('faults' in read ? read.faults : {});
    if ('task' in read) enqueue.mutate(read.task);
  };
  const field = (name: keyof TypedTask) => ({
    size: 'xs' as const,
    value: typed[name],
    error: faults[name],
    onChange: ({ currentTarget: { value } }: { readonly currentTarget: { readonly value: string } }) =>
      setTyped((before) => ({ ...before, [name]: value })),
  });
  const made = enqueue.data?.task;
  return (
    <Panel title="Enqueue a task">
      <form className={styles.form} onSubmit={submit} noValidate>
        <TextInput label="Type" placeholder="mail" {...field('type')} />
        <div className={styles.pair}>
          <TextInput label="Phase" list={phases} {...field('phase')} />
          <TextInput label="Priority" inputMode="numeric" {...field('priority')} />
        </div>
        <TextInput label="Only for pool" placeholder="any pool" {...field('pool')} />
        <Textarea
          className={styles.payload ?? ''}
          label="Payload (JSON)"
          placeholder={'{"to": "somebody"}'}
          spellCheck={false}
          {...field('payload')}
        />
        <datalist id={phases}>
          {PHASES.map((phase) => (
            <option key={phase} value={phase} />
          ))}
        </datalist>
        {enqueue.error !== null && (
          <p className={styles.failed} role="alert">
            <ErrorText error={enqueue.error} />
          </p>
        )}
        {made && (
          <p className={styles.done} role="status">
            Enqueued{' '}
            <Link to="/tasks/$taskId" params={{ taskId: made.task_id }}>
              {made.task_type} {made.task_id.slice(-6)}
            </Link>
            .
          </p>
        )}
        <Button size="xs" type="submit" loading={enqueue.isPending}>
          Enqueue
        </Button>
      </form>
    </Panel>
  );
}
