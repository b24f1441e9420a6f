import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { pendingAlertsQuery } from '../api/alert-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { ActiveAlert } from '../api/wire.ts';
import { formatElapsed } from '../domain/age.ts';
import { subjectOf } from '../domain/alert-text.ts';
import { readableValue } from '../domain/count.ts';
import { severityTone } from '../domain/tone.ts';
import { useNow } from '../hooks/use-now.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './link-rows.module.css';
import { More } from './more.tsx';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { ToneLabel } from './tone-dot.tsx';

/** What will fire when its condition goes on to hold. */
export function PendingPanel() {
  const { client } = useServer();
  const nowMs = useNow();
  const size = usePageSize(20);
  const query = useQuery(pendingAlertsQuery(client, size.rows));
  return (
    <Panel title="Pending" note="will fire if it goes on">
      <QueryView query={query} placeholderLines={2}>
        {({ pending, isWhole }) =>
          pending.length === 0 ? (
            <Nothing>Nothing is about to fire.</Nothing>
          ) : (
            <>
              <ul className={styles.rows}>
                {pending.map((alert) => (
                  <Pending key={alert.active_id} {...{ alert, nowMs }} />
                ))}
              </ul>
              {!isWhole && (
                <More shown={pending.length} total={null} what="pending alerts" onMore={size.more} />
              )}
            </>
          )
        }
      </QueryView>
    </Panel>
  );
}

function Pending({ alert, nowMs }: { readonly alert: ActiveAlert; readonly nowMs: number }) {
  const { active_id: id, rule_id: rule, labels, value, active_at: activeAt } = alert;
  const { severity = 'warning' } = labels;
  const subject = subjectOf(labels);
  return (
    <li className={styles.row}>
      <span>
        <Link to="/alerts/pending/$activeId" params={{ activeId: id }} data-row>
          {labels['alertname'] ?? rule}
        </Link>{' '}
        {subject}
      </span>
      <ToneLabel tone={severityTone(severity)}>{severity}</ToneLabel>
      <span className={styles.number}>
        value {readableValue(value)}, for {formatElapsed(Date.parse(activeAt), nowMs)}
      </span>
    </li>
  );
}
