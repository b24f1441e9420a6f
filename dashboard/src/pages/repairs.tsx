import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { overviewQuery } from '../api/queries.ts';
import { repairsQuery } from '../api/repair-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { FilterChips } from '../components/filter-chips.tsx';
import { More } from '../components/more.tsx';
import { PageTitle } from '../components/page-title.tsx';
import { Panel } from '../components/panel.tsx';
import { PoliciesPanel } from '../components/policies-panel.tsx';
import { Nothing, QueryView } from '../components/query-view.tsx';
import { RepairRows } from '../components/repair-rows.tsx';
import rows from '../components/rows.module.css';
import { WatchdogPanel } from '../components/watchdog-panel.tsx';
import { countFleet, describeNoRepairs, describeRepairs } from '../domain/headline.ts';
import { REPAIR_CHOICES } from '../domain/repair-filter.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import styles from './columns.module.css';

/** What the watchdog does, did and would do, and whether it may. */
export function RepairsPage() {
  const { client } = useServer();
  const { show = 'all', policy, target } = useSearch({ from: '/inside/repairs' });
  const size = usePageSize(50);
  const overview = useQuery(overviewQuery(client));
  const filter = { show, ...(policy && { policy }), ...(target && { target }) };
  const query = useQuery(repairsQuery(client, filter, size.rows));
  const counts = overview.data ? countFleet(overview.data) : null;
  const isFiltered = show !== 'all' || policy !== undefined || target !== undefined;
  return (
    <>
      <PageTitle note={(counts && describeRepairs(counts)) ?? undefined}>Repairs</PageTitle>
      <div className={styles.columns}>
        <div className={styles.column}>
          <Panel title="Repairs" note={only({ policy, target })}>
            <div className={rows.filters}>
              <FilterChips
                label="Which repairs"
                choices={REPAIR_CHOICES}
                chosen={show}
                name={(choice) => (choice === 'approve' ? 'approve?' : choice)}
                searchOf={(choice) => ({ show: choice === 'all' ? undefined : choice })}
              />
            </div>
            <QueryView query={query} placeholderLines={6}>
              {({ repairs, isWhole }) => (
                <>
                  {repairs.length === 0 ? (
                    <Nothing>{isFiltered ? 'There is none of these.' : describeNoRepairs(counts)}</Nothing>
                  ) : (
                    <RepairRows repairs={repairs} />
                  )}
                  {!isWhole && (
                    <More
                      shown={repairs.length}
                      total={null}
                      what="repairs, newest first"
                      onMore={size.more}
                    />
                  )}
                </>
              )}
            </QueryView>
          </Panel>
        </div>
        <div className={styles.column}>
          <WatchdogPanel />
          <PoliciesPanel />
        </div>
      </div>
    </>
  );
}

function only({
  policy,
  target,
}: {
  readonly policy?: string | undefined;
  readonly target?: string | undefined;
}): string | undefined {
  const told = [policy && `of ${policy}`, target && `on ${target}`].filter(Boolean);
  return told.length === 0 ? undefined : `only ${told.join(' ')}`;
}
