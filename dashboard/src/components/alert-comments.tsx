import { Button, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { alertCommentsQuery } from '../api/alert-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { formatMoment } from '../domain/age.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './alert-comments.module.css';
import { ErrorText } from './error-text.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';

/** As the server has it. */
const maxCharacters = 4_000;

/** What people have said about an alert, who and when, and a place to say more; of one that is over, too. */
export function AlertComments({ alertId }: { readonly alertId: string }) {
  const { client } = useServer();
  const nowMs = useNow();
  const mayHandle = useMayHandle();
  const query = useQuery(alertCommentsQuery(client, alertId));
  return (
    <Panel title="Comments">
      <QueryView query={query} placeholderLines={2}>
        {(comments) =>
          comments.length === 0 ? (
            <Nothing>{mayHandle ? 'Nobody has said anything yet.' : NONE_FOR_VIEWERS}</Nothing>
          ) : (
            <ol className={styles.comments} aria-label="Comments, oldest first" tabIndex={0}>
              {comments.map(({ id, commented_by: by, text, at }) => (
                <li key={id} className={styles.comment}>
                  <span className={styles.who}>
                    <b>{by}</b>, <time dateTime={at}>{formatMoment(Date.parse(at), nowMs)}</time>
                  </span>
                  <span className={styles.text}>{text}</span>
                </li>
              ))}
            </ol>
          )
        }
      </QueryView>
      {mayHandle && <CommentForm alertId={alertId} />}
    </Panel>
  );
}

const NONE_FOR_VIEWERS = 'Nobody has said anything yet. An operator may comment; you may look.';

function CommentForm({ alertId }: { readonly alertId: string }) {
  const { client } = useServer();
  const queries = useQueryClient();
  const [text, setText] = useState('');
  const say = useMutation({
    mutationFn: () =>
      client.post(`/api/v1/alerts/${encodeURIComponent(alertId)}/comments`, { text: text.trim() }),
    onSuccess: () => setText(''),
    onSettled: () =>
      Promise.all(['alerts', 'timeline'].map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (text.trim() !== '' && !say.isPending) say.mutate();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Textarea
        size="xs"
        aria-label="Comment"
        placeholder="What you know or do about it"
        autosize
        minRows={1}
        maxRows={8}
        maxLength={maxCharacters}
        value={text}
        onChange={({ currentTarget: { value } }) => setText(value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          submit();
        }}
      />
      {say.error !== null && (
        <p className={styles.failed} role="alert">
          <ErrorText error={say.error} />
        </p>
      )}
      <Button size="xs" variant="default" type="submit" disabled={text.trim() === ''} loading={say.isPending}>
        Comment
      </Button>
    </form>
  );
}
