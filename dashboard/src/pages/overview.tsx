import { useQuery } from '@tanstack/react-query';
import { wholeFleetQuery } from '../api/fleet-query.ts';
import {
  eventsQuery,
  fleetQuery,
  maintenancesQuery,
  overviewQuery,
  poolsQuery,
  queueHistoryQuery,
  remediationsQuery,
  resolvedAlertsQuery,
  watchdogQuery,
} from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';
import { AgentDrawer } from '../components/agent-drawer.tsx';
import { AlertsPanel } from '../components/alerts-panel.tsx';
import { EventsPanel } from '../components/events-panel.tsx';
import { FleetPanel } from '../components/fleet-panel.tsx';
import { MaintenanceList } from '../components/maintenance-list.tsx';
import { NeedsYouPanel } from '../components/needs-you-panel.tsx';
import { QueuePanel } from '../components/queue-panel.tsx';
import { RemediationsPanel } from '../components/remediations-panel.tsx';
import { StatusBar } from '../components/status-bar.tsx';
import { number } from '../domain/count.ts';
import { countFleet } from '../domain/headline.ts';
import { waitingNow } from '../domain/queue-history.ts';
import { useIsPhone } from '../hooks/use-is-phone.ts';
import { useFiring } from '../hooks/use-firing.ts';
import { useMayHandle } from '../hooks/use-may-handle.ts';
import { usePageSize } from '../hooks/use-page-size.ts';
import { useView } from '../hooks/use-view.ts';
import type { WatchdogState } from '../api/wire.ts';
import styles from './overview.module.css';

/** More agents than this are read as the page of the fleet does. */
const FIRST_AGENTS = 60;
/** So many of the alerts that fire stand there at first. */
const FIRST_ALERTS = { desktop: 20, phone: 4 };
const NOTHING_HELD: WatchdogState = {
  states: [],
  storms: [],
  more_storms: 0,
  maintenances: 0,
  policies: { act: 0, approve: 0, observe: 0 },
};

/** The fleet, its alerts and its repairs on one page. */
export function OverviewPage() {
  const { client } = useServer();
  const { pool, agent, range, events: filter } = useView().search;
  const isPhone = useIsPhone();
  const firstAlerts = isPhone ? FIRST_ALERTS.phone : FIRST_ALERTS.desktop;
  const alertsShown = usePageSize(firstAlerts);
  const mayHandle = useMayHandle();
  const overview = useQuery(overviewQuery(client));
  const first = useQuery(fleetQuery(client, { poolId: pool, rows: FIRST_AGENTS }));
  const whole = useQuery({ ...wholeFleetQuery(client), enabled: first.data?.isWhole === false });
  const pools = useQuery(poolsQuery(client));
  const firing = useFiring(alertsShown.rows);
  const resolved = useQuery(resolvedAlertsQuery(client));
  const remediations = useQuery(remediationsQuery(client));
  const watchdog = useQuery(watchdogQuery(client));
  const maintenances = useQuery(maintenancesQuery(client));
  const events = useQuery(eventsQuery(client));
  const clockLeadSeconds = overview.data?.sample_clock_lead_seconds ?? 0;
  const history = useQuery(queueHistoryQuery(client, range, clockLeadSeconds));

  const counts = overview.data ? countFleet(overview.data) : null;
  return (
    <>
      <h1 className="visually-hidden">Overview</h1>
      {counts !== null && (
        <StatusBar
          counts={counts}
          waiting={history.data ? waitingNow(history.data) : null}
          watchdog={watchdog.data ?? NOTHING_HELD}
          clockLeadSeconds={clockLeadSeconds}
          hostDelay={overview.data?.host_delay ?? null}
          warnings={overview.data?.warnings ?? []}
          mayHandle={mayHandle}
        />
      )}
      <MaintenanceList maintenances={maintenances.data ?? []} mayHandle={mayHandle} />
      <div className={styles.needs}>
        <NeedsYouPanel mayHandle={mayHandle} unacknowledged={counts?.unacknowledged ?? null} />
      </div>
      <div className={styles.columns}>
        <div className={styles.column}>
          <FleetPanel
            first={first}
            whole={whole}
            pools={pools}
            maintenances={maintenances.data ?? []}
            poolId={pool}
            note={counts === null ? undefined : `${number(counts.alive)} of ${number(counts.present)} alive`}
          />
          <QueuePanel history={history} range={range} foldsOnPhone />
          <EventsPanel events={events} filter={filter} maxLines={40} />
        </div>
        <div className={styles.column}>
          <AlertsPanel
            firing={firing}
            resolved={resolved}
            onMore={alertsShown.more}
            mayHandle={mayHandle}
            isShort={isPhone}
            // Who asks for more of them wants to see each.
            foldsRules={alertsShown.rows === firstAlerts}
          />
          <RemediationsPanel remediations={remediations} counts={counts} />
        </div>
      </div>
      <AgentDrawer agentId={agent} />
    </>
  );
}
