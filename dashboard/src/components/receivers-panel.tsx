import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { receiversQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Receiver, ReceiverTestAnswer } from '../api/wire.ts';
import { formatMoment } from '../domain/age.ts';
import { count, number } from '../domain/count.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { useNow } from '../hooks/use-now.ts';
import { ErrorText } from './error-text.tsx';
import { Panel } from './panel.tsx';
import { QueryView } from './query-view.tsx';
import styles from './receivers-panel.module.css';
import { ToneDot, ToneLabel } from './tone-dot.tsx';

/** Who can be told, what waits for each, and whether a message gets there. */
export function ReceiversPanel() {
  const { client } = useServer();
  const mayHandle = useMayHandle();
  const query = useQuery(receiversQuery(client));
  return (
    <Panel title="Receivers" note={query.data ? number(query.data.length) : undefined}>
      <QueryView query={query} placeholderLines={3}>
        {(receivers) => (
          <ul className={styles.receivers} aria-label="Receivers">
            {receivers.map((receiver) => (
              <ReceiverRow
                key={receiver.name}
                receiver={receiver}
                mayHandle={mayHandle}
                isLogged={receivers.every(({ integrations }) => integrations.length === 0)}
              />
            ))}
          </ul>
        )}
      </QueryView>
    </Panel>
  );
}

interface ReceiverRowProps {
  readonly receiver: Receiver;
  readonly mayHandle: boolean;
  /** Whether the log is told, as nobody else can be. */
  readonly isLogged: boolean;
}

function ReceiverRow({ receiver, mayHandle, isLogged }: ReceiverRowProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const nowMs = useNow();
  const { name, integrations } = receiver;
  const test = useMutation({
    mutationFn: () =>
      client.post<ReceiverTestAnswer>(`/api/v1/alerts/receivers/${encodeURIComponent(name)}/test`, {}),
    onSettled: () => queries.invalidateQueries({ queryKey: ['notifications'] }),
  });
  const waiting = integrations.reduce((sum, { pending }) => sum + pending, 0);
  return (
    <li className={styles.receiver} data-row tabIndex={-1}>
      <div className={styles.head}>
        <span className={styles.name}>{name}</span>
        {waiting > 0 && (
          <Link
            to="/alerts/routes"
            search={(before) => ({ ...before, receiver: name, messages: 'waiting' as const })}
            resetScroll={false}
          >
            {count(waiting, 'message')} {waiting === 1 ? 'waits' : 'wait'}
          </Link>
        )}
        {mayHandle && integrations.length > 0 && (
          <Button
            className={styles.test ?? ''}
            size="compact-xs"
            variant="default"
            loading={test.isPending}
            aria-label={`Test ${name}`}
            onClick={() => test.mutate()}
          >
            Test
          </Button>
        )}
      </div>
      <p className={styles.text}>
        {integrations.length === 0
          ? isLogged
            ? 'The dashboard and the log alone.'
            : 'Nobody: its alerts stand on the dashboard alone.'
          : integrations.map(({ integration, type, built }) => (
              <span key={integration} className={styles.integration}>
                {type}
                {!built && <ToneLabel tone="caution">not built</ToneLabel>}
              </span>
            ))}
      </p>
      {integrations.map(
        ({ integration, refuses_since: since, refusal }) =>
          since !== null && (
            <p key={integration} className={styles.text}>
              <ToneDot tone="bad" /> {integration} refuses all since {formatMoment(Date.parse(since), nowMs)}:{' '}
              {refusal}
            </p>
          ),
      )}
      {test.data?.results.map(({ integration, outcome, answer }) => (
        <p key={integration} className={styles.text} role="status">
          <ToneDot tone={outcome === 'delivered' ? 'good' : 'bad'} /> Test {outcome.replace('_', ' ')}:{' '}
          {answer}
        </p>
      ))}
      {test.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={test.error} />
        </p>
      )}
    </li>
  );
}
