import { useQuery } from '@tanstack/react-query';
import { chosenAlertsQuery } from '../api/alert-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Alert } from '../api/wire.ts';
import type { AlertSearch } from '../domain/alert-filter.ts';
import { firstDescribed } from '../domain/alert-text.ts';
import { useNow } from '../hooks/use-now.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import type { Selection } from '../hooks/use-selection.ts';
import { AlertBulk, SelectAll } from './alert-bulk.tsx';
import styles from './alerts-panel.module.css';
import { FiringAlert, ResolvedAlert } from './alerts-panel.tsx';
import { InBlocks } from './in-blocks.tsx';
import { More } from './more.tsx';
import { Nothing, QueryView } from './query-view.tsx';

export interface ChosenAlertsProps {
  readonly search: AlertSearch;
  readonly mayHandle: boolean;
  readonly selection: Selection;
}

/** The alerts that a filter leaves, the newest first. */
export function ChosenAlerts({ search, mayHandle, selection }: ChosenAlertsProps) {
  const { client } = useServer();
  const size = usePageSize(40);
  const query = useQuery(chosenAlertsQuery(client, search, size.rows));
  const nowMs = useNow();
  const rowOf = (described: ReadonlySet<string>) => (alert: Alert) =>
    alert.state === 'firing' ? (
      <FiringAlert
        {...{ alert, mayHandle, nowMs }}
        isShort={false}
        isDescribed={described.has(alert.id)}
        {...(mayHandle && { selection })}
      />
    ) : (
      <ResolvedAlert {...{ alert, nowMs }} />
    );
  return (
    <QueryView query={query} placeholderLines={4}>
      {({ alerts, isWhole }) => {
        if (alerts.length === 0 && isWhole) return <Nothing>There is none of these.</Nothing>;
        const selected = alerts.filter(({ id }) => selection.ids.has(id));
        return (
          <>
            {selected.length > 0 && <AlertBulk alerts={selected} onClear={selection.clear} />}
            {mayHandle && selected.length === 0 && (
              <SelectAll alerts={alerts.filter(isFiring)} onSelect={selection.choose} />
            )}
            <div className={styles.blocks}>
              <InBlocks
                rows={alerts}
                keyOf={({ id }) => id}
                render={rowOf(firstDescribed(alerts))}
                className={styles.alerts}
                perBlock={20}
                blockHeight={2200}
              />
            </div>
            {!isWhole && (
              <More shown={alerts.length} total={null} what="alerts, the newest first" onMore={size.more} />
            )}
          </>
        );
      }}
    </QueryView>
  );
}

function isFiring({ state }: Alert): boolean {
  return state === 'firing';
}
