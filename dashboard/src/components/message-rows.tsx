import { Link } from '@tanstack/react-router';
import type { MessagesAnswer } from '../api/wire.ts';
import { formatAgo, formatDuration } from '../domain/age.ts';
import { count } from '../domain/count.ts';
import { messageReason, words } from '../domain/event-sentence.ts';
import type { ExplainedMessage } from '../domain/explained-alert.ts';
import { messageTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './rows.module.css';
import { ToneLabel } from './tone-dot.tsx';

const NARROW = { gridTemplateColumns: 'minmax(0, 1fr) auto' };
const COLUMNS = { gridTemplateColumns: 'minmax(0, 1.2fr) minmax(0, 1.2fr) 104px minmax(0, 1fr)' };

type ShownMessage = ExplainedMessage &
  Partial<Pick<MessagesAnswer['messages'][number], 'alert_ids' | 'alert_name' | 'alerts'>>;

export interface MessageRowsProps {
  readonly messages: readonly ShownMessage[];
  /** What they are, for who hears the page. */
  readonly label: string;
  /** Whether they stand in a narrow column. */
  readonly isNarrow?: boolean;
}

/** Messages in short: to whom, why, how it went, and what the receiver said. */
export function MessageRows({ messages, label, isNarrow = false }: MessageRowsProps) {
  const nowMs = useNow();
  return (
    <ul className={styles.rows} aria-label={label}>
      {messages.map((message) => (
        <li key={message.notification_id}>
          <MessageRow {...{ message, nowMs }} columns={isNarrow ? NARROW : COLUMNS} />
        </li>
      ))}
    </ul>
  );
}

interface MessageRowProps {
  readonly message: ShownMessage;
  readonly nowMs: number;
  readonly columns: typeof COLUMNS;
}

function MessageRow({ message, nowMs, columns }: MessageRowProps) {
  const { receiver, integration, reason, state, answer, failure, created_at: createdAt } = message;
  const said = answer ?? (failure === null ? null : words(failure));
  return (
    <div className={styles.row} style={columns}>
      <span className={styles.name}>{receiver}</span>
      <span className={styles.cell}>
        {integration.slice(receiver.length + 1)}, {messageReason(reason)}
      </span>
      <span>
        <ToneLabel tone={messageTone(state)}>{state === 'pending' ? 'waits' : state}</ToneLabel>
      </span>
      <span className={`${styles.cell} ${styles.end}`}>{formatAgo(Date.parse(createdAt), nowMs)}</span>
      {said !== null && <span className={styles.wide}>{said}</span>}
      {state === 'pending' && <span className={styles.wide}>{describeTries(message, nowMs)}</span>}
      <Alerts message={message} />
    </div>
  );
}

function Alerts({ message }: { readonly message: ShownMessage }) {
  const { alert_ids: ids, alert_name: name = null, alerts = 0 } = message;
  const [first] = ids ?? [];
  if (first === undefined) return null;
  return (
    <span className={styles.wide}>
      about{' '}
      <Link to="/alerts/$alertId" params={{ alertId: first }} data-row>
        {name ?? first}
      </Link>
      {alerts > 1 && ` and ${count(alerts - 1, 'other alert')}`}
    </span>
  );
}

/** How often it was tried, when it is tried again, and until when. */
function describeTries(message: ShownMessage, nowMs: number): string {
  const { attempts, next_attempt_at: next, given_up_at: end } = message;
  const inMs = next === null ? 0 : Date.parse(next) - nowMs;
  if (message.held_until !== null && attempts === 0) {
    return `beyond the rate limit: in a digest in ${formatDuration(Math.max(0, Math.ceil(inMs / 1_000) * 1_000))}`;
  }
  return [
    attempts === 0 ? 'not tried yet' : `tried ${count(attempts, 'time')}`,
    ...(inMs > 1_000 ? [`again in ${formatDuration(Math.ceil(inMs / 1_000) * 1_000)}`] : []),
    ...(end === null
      ? []
      : [`given up in ${formatDuration(Math.floor((Date.parse(end) - nowMs) / 1_000) * 1_000)}`]),
  ].join(', ');
}
