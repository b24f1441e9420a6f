import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent } from 'react';
import { useServer } from '../api/server-context.tsx';
import type { Silence } from '../api/wire.ts';
import { parseDuration } from '../domain/new-silence.ts';
import { describeSilenceState, describeSilenceTime, silencedAlternatives } from '../domain/silence-text.ts';
import { useNow } from '../hooks/use-now.ts';
import { ConfirmedRequest } from './confirmed-request.tsx';
import { Dialog } from './dialog.tsx';
import { ErrorText } from './error-text.tsx';
import form from './silence-dialog.module.css';
import styles from './silence-rows.module.css';
import { ToneLabel } from './tone-dot.tsx';

const CHANGED = ['silences', 'notifications'];
/** So many alternatives are written out. */
const SHOWN_ALTERNATIVES = 3;

export interface SilenceRowsProps {
  readonly silences: readonly Silence[];
  readonly mayHandle: boolean;
  /** Somebody wants to move the end of one. */
  readonly onExtend: (chosen: ChosenSilence) => void;
  /** Somebody wants to change what one is for, or why. */
  readonly onEdit: (silence: Silence) => void;
}

/** A silence, and its first alternative for people. */
export interface ChosenSilence {
  readonly id: string;
  readonly of: string;
}

/** Silences: for what, why, by whom and until when. */
export function SilenceRows({ silences, ...row }: SilenceRowsProps) {
  const nowMs = useNow();
  return (
    <ul className={styles.rows} aria-label="Silences">
      {silences.map((silence) => (
        <SilenceRow key={silence.id} {...{ silence, nowMs, ...row }} />
      ))}
    </ul>
  );
}

interface SilenceRowProps extends Omit<SilenceRowsProps, 'silences'> {
  readonly silence: Silence;
  readonly nowMs: number;
}

function SilenceRow({ silence, mayHandle, onExtend, onEdit, nowMs }: SilenceRowProps) {
  const { id, state, comment, created_by: author, set_by: by } = silence;
  const { text, tone } = describeSilenceState(silence);
  const alternatives = silencedAlternatives(silence);
  const [first = ''] = alternatives;
  const more = alternatives.length - SHOWN_ALTERNATIVES;
  const said = by === author ? author : `${author} (set by ${by})`;
  return (
    <li className={styles.row} data-row tabIndex={-1}>
      <div className={styles.head}>
        <ToneLabel tone={tone}>{text}</ToneLabel>
        <span className={styles.time}>{describeSilenceTime(silence, nowMs)}</span>
      </div>
      <ul className={styles.alternatives}>
        {alternatives.slice(0, SHOWN_ALTERNATIVES).map((one, place) => (
          <li key={one}>
            {place > 0 && 'or '}
            <code>{one}</code>
          </li>
        ))}
        {more > 0 && <li>or one of {more} more</li>}
      </ul>
      <p className={styles.comment}>
        {comment}, says {said}
      </p>
      <div className={styles.foot}>
        {alternatives.length === 1 && state !== 'expired' && (
          <Link to="/alerts" search={{ match: first }}>
            Alerts
          </Link>
        )}
        {mayHandle && state !== 'expired' && (
          <>
            <Button
              size="xs"
              variant="default"
              aria-label={extendTitle(first)}
              onClick={() => onExtend({ id, of: first })}
            >
              Extend
            </Button>
            <Button
              size="xs"
              variant="default"
              aria-label={editTitle(silence)}
              onClick={() => onEdit(silence)}
            >
              Edit
            </Button>
            <ConfirmedRequest
              label="End"
              of={`the silence of ${first}`}
              order={{
                effect:
                  'From now on people are told again of the alerts that it was for, if they still fire.',
                method: 'DELETE',
                path: `/api/v1/alerts/silences/${encodeURIComponent(id)}`,
                body: null,
                changes: CHANGED,
              }}
            />
          </>
        )}
      </div>
    </li>
  );
}

function extendTitle(of: string): string {
  return `Extend the silence of ${of}`;
}

/** Names the button, and heads the dialog. */
export function editTitle(silence: Pick<Silence, 'matcher_sets'>): string {
  return `Edit the silence of ${silencedAlternatives(silence)[0] ?? ''}`;
}

/** Asks how far to move the end of a silence. It does not stand in its row, which goes when somebody else ends the silence. */
export function ExtendDialog({
  chosen,
  onClose,
}: {
  readonly chosen: ChosenSilence;
  readonly onClose: () => void;
}) {
  const title = extendTitle(chosen.of);
  return (
    <Dialog name={title} onClose={onClose}>
      <ExtendForm id={chosen.id} title={title} onClose={onClose} />
    </Dialog>
  );
}

interface ExtendFormProps {
  readonly id: string;
  readonly title: string;
  readonly onClose: () => void;
}

function ExtendForm({ id, title, onClose }: ExtendFormProps) {
  const { client } = useServer();
  const queries = useQueryClient();
  const [typed, setTyped] = useState('1h');
  const durationMs = parseDuration(typed);
  const extend = useMutation({
    mutationFn: () =>
      client.post(`/api/v1/alerts/silences/${encodeURIComponent(id)}/extend`, { duration_ms: durationMs }),
    onSuccess: onClose,
    onSettled: () => Promise.all(CHANGED.map((key) => queries.invalidateQueries({ queryKey: [key] }))),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (durationMs !== null) extend.mutate();
  };
  return (
    <form className={form.dialog} onSubmit={submit} noValidate>
      <h2 className={form.title}>{title}</h2>
      <TextInput
        size="xs"
        label="It ends, from now on, in"
        value={typed}
        error={durationMs === null ? 'Write how long, such as 30m, 4h or 2d.' : null}
        onChange={({ currentTarget: { value } }) => setTyped(value)}
      />
      {extend.error !== null && (
        <p className={form.failed} role="alert">
          <ErrorText error={extend.error} />
        </p>
      )}
      <div className={form.buttons}>
        <Button size="xs" variant="default" onClick={onClose}>
          Back
        </Button>
        <Button size="xs" type="submit" loading={extend.isPending}>
          Extend
        </Button>
      </div>
    </form>
  );
}
