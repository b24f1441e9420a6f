import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { explainQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { formatMoment } from '../domain/age.ts';
import {
  describeDecision,
  describeLeftOut,
  describeTold,
  reasonParts,
  type ExplainedDecision,
} from '../domain/explained-alert.ts';
import { useNow } from '../hooks/use-now.ts';
import styles from './explain-panel.module.css';
import { MessageRows } from './message-rows.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { ToneDot } from './tone-dot.tsx';

/** Whether people were told of an alert, what the receivers said, and what each stage on the way decided. */
export function ExplainPanel({ alertId }: { readonly alertId: string }) {
  const { client } = useServer();
  const query = useQuery(explainQuery(client, alertId));
  const nowMs = useNow();
  return (
    <Panel title="Who was told, and why">
      <QueryView query={query} placeholderLines={3}>
        {(explained) => {
          const { text, tone } = describeTold(explained);
          return (
            <>
              <p className={styles.told}>
                <ToneDot tone={tone} />{' '}
                <span>
                  <Reason text={text} nowMs={nowMs} />
                </span>
              </p>
              {explained.waits.map(({ receiver, group_key: groupKey, reason }) => (
                <p key={`${receiver} ${groupKey}`} className={styles.told}>
                  <ToneDot tone="calm" />{' '}
                  <span>
                    <b>{receiver}</b> <Reason text={reason} nowMs={nowMs} />
                  </span>
                </p>
              ))}
              {explained.messages.length > 0 && (
                <MessageRows messages={explained.messages.toReversed()} label="Messages, newest first" />
              )}
              {explained.decisions.length > 0 && (
                <>
                  <h3 className={styles.subtitle}>Why, stage by stage</h3>
                  <Decisions decisions={explained.decisions} />
                  {explained.left_out.decisions > 0 && (
                    <Nothing>{describeLeftOut(explained.left_out)}</Nothing>
                  )}
                </>
              )}
              {explained.decisions.length === 0 && explained.messages.length === 0 && (
                <Nothing>What was decided is forgotten after a while, or was never written.</Nothing>
              )}
            </>
          );
        }}
      </QueryView>
    </Panel>
  );
}

function Decisions({ decisions }: { readonly decisions: readonly ExplainedDecision[] }) {
  const nowMs = useNow();
  return (
    <ol className={styles.decisions} aria-label="Decisions, oldest first" tabIndex={0}>
      {decisions.map((decision, place) => {
        const { stage, text, tone } = describeDecision(decision);
        return (
          // eslint-disable-next-line react/no-array-index-key -- decisions have no name, and are only added to
          <li key={place} className={styles.decision}>
            <time className={styles.time} dateTime={decision.at}>
              {formatMoment(Date.parse(decision.at), nowMs)}
            </time>
            <ToneDot tone={tone} />
            <span className={styles.text}>
              <b>{stage}</b> <Reason text={text} nowMs={nowMs} />
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** What a reason names is a way there. */
function Reason({ text, nowMs }: { readonly text: string; readonly nowMs: number }) {
  return reasonParts(text, nowMs).map((part, place) => {
    if (part.kind === 'alert') {
      return (
        // eslint-disable-next-line react/no-array-index-key -- the parts of a text have no other name
        <Link key={place} to="/alerts/$alertId" params={{ alertId: part.text }}>
          {part.text}
        </Link>
      );
    }
    if (part.kind === 'repair') {
      return (
        // eslint-disable-next-line react/no-array-index-key -- the parts of a text have no other name
        <Link key={place} to="/repairs/$remediationId" params={{ remediationId: part.text }}>
          {part.text}
        </Link>
      );
    }
    return part.text;
  });
}
