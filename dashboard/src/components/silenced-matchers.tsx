import { Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ChangeEventHandler } from 'react';
import { silencePreviewQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { describeAlert } from '../domain/alert-text.ts';
import { count, number } from '../domain/count.ts';
import { typedAlternatives } from '../domain/typed-matchers.ts';
import styles from './silence-dialog.module.css';

/** The alerts of so many alternatives are counted: each is asked for again and again. */
const maxCountedAlternatives = 5;

export interface SilencedMatchersProps {
  readonly size: 'xs';
  readonly value: string;
  readonly error: string | undefined;
  readonly onChange: ChangeEventHandler<HTMLTextAreaElement>;
}

/** The field of what a silence is for, and how many alerts fire that it would be for, of each of its alternatives. */
export function SilencedMatchers(field: SilencedMatchersProps) {
  const alternatives = typedAlternatives(field.value);
  const counted = alternatives.slice(0, maxCountedAlternatives);
  const rest = alternatives.length - counted.length;
  return (
    <>
      <Textarea
        className={styles.matchers ?? ''}
        label="For alerts that match all of"
        placeholder={'team="web"\nhost=~"a.*"\nor\nteam="db"'}
        spellCheck={false}
        autosize
        minRows={2}
        maxRows={8}
        {...field}
      />
      <p className={styles.note}>
        “or” on a line of its own begins other ones: what matches those is silenced, too.
      </p>
      {counted.map((matchers, place) => (
        // eslint-disable-next-line react/no-array-index-key -- alternatives have no other name: two may say the same
        <Preview key={place} matchers={matchers} isNamed={alternatives.length > 1} />
      ))}
      {rest > 0 && <p className={styles.note}>{count(rest, 'more alternative')}, not counted here.</p>}
    </>
  );
}

interface PreviewProps {
  readonly matchers: readonly string[];
  /** Whether it says what it is about, as one of several. */
  readonly isNamed: boolean;
}

/** How many alerts fire that it would be for, and the first of them. */
function Preview({ matchers, isNamed }: PreviewProps) {
  const { client } = useServer();
  const { data, error } = useQuery(silencePreviewQuery(client, matchers));
  if (matchers.length === 0) {
    return <p className={styles.note}>{isNamed ? 'One of them is empty yet.' : 'It is for no alert yet.'}</p>;
  }
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
      {isNamed && <code>{matchers.join(', ')}</code>}
      {isNamed && ': '}
      {firing === 0
        ? 'No alert that fires now'
        : `${count(firing, 'alert')} that ${firing === 1 ? 'fires' : 'fire'} now`}
      {named}
    </p>
  );
}
