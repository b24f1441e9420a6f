import { Button, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import type { UseQueryResult } from '@tanstack/react-query';
import type { RoutingTestAnswer } from '../api/wire.ts';
import { Panel } from './panel.tsx';
import { QueryView } from './query-view.tsx';
import styles from './route-test.module.css';

export interface RouteTestProps {
  /** The labels that are tried, as they were written; '' before any were. */
  readonly labels: string;
  /** Null where nothing is tried. */
  readonly query: UseQueryResult<RoutingTestAnswer> | null;
}

/** Asks where an alert with some labels would go. */
export function RouteTest({ labels, query }: RouteTestProps) {
  const navigate = useNavigate();
  const [typed, setTyped] = useState(labels);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const chosen = typed.trim() === '' ? undefined : typed.trim();
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, labels: chosen }),
      resetScroll: false,
    });
  };
  return (
    <Panel title="Where would this go?">
      <form className={styles.form} onSubmit={submit}>
        <TextInput
          className={styles.labels ?? ''}
          size="xs"
          label="Labels of an alert"
          placeholder={'alertname="DiskIsFull", team="web"'}
          spellCheck={false}
          value={typed}
          onChange={({ currentTarget: { value } }) => setTyped(value)}
        />
        <Button size="xs" type="submit">
          Show the way
        </Button>
      </form>
      {query !== null && (
        <QueryView query={query} placeholderLines={2}>
          {({ to }) => (
            <ul className={styles.to} aria-label="Where it would go">
              {to.map(({ route_id: id, receiver, group_key: group }) => (
                <li key={id}>
                  To <b>{receiver}</b>, in the group <code>{group}</code>
                </li>
              ))}
            </ul>
          )}
        </QueryView>
      )}
    </Panel>
  );
}
