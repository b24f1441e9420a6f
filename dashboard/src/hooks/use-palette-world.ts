import { useQuery } from '@tanstack/react-query';
import {
  firingAlertsQuery,
  fleetQuery,
  poolsQuery,
  remediationsQuery,
  watchdogQuery,
} from '../api/queries.ts';
import { tasksToFindQuery } from '../api/task-queries.ts';
import { useServer } from '../api/server-context.tsx';
import { describeAlert } from '../domain/alert-text.ts';
import { words } from '../domain/event-sentence.ts';
import type { PaletteWorld } from '../domain/palette.ts';
import { describeStand } from '../domain/repair-story.ts';
import { useMayHandle } from './use-may-handle.ts';

/** Of a larger fleet those in trouble are among them. */
const maxAgents = 2_000;
const maxAlerts = 100;

/** What the palette can find, read while it is open. */
export function usePaletteWorld(): PaletteWorld {
  const { client } = useServer();
  const mayHandle = useMayHandle();
  const agents = useQuery(fleetQuery(client, { poolId: undefined, rows: maxAgents }));
  const pools = useQuery(poolsQuery(client));
  const alerts = useQuery(firingAlertsQuery(client, maxAlerts));
  const repairs = useQuery(remediationsQuery(client));
  const watchdog = useQuery(watchdogQuery(client));
  const tasks = useQuery(tasksToFindQuery(client));
  return {
    agents: agents.data?.agents ?? [],
    pools: pools.data ?? [],
    alerts: (alerts.data ?? []).map((alert) => {
      const { name, subject } = describeAlert(alert);
      const { id, severity, acknowledged_by: by } = alert;
      return { id, name, subject, severity, isAcknowledged: by !== null };
    }),
    repairs: (repairs.data ?? []).map((repair) => ({
      id: repair.id,
      name: `${words(repair.policy)} on ${repair.target.id}`,
      state: describeStand(repair).text,
    })),
    tasks: tasks.data ?? [],
    isPaused: watchdog.data?.states.some(({ state }) => state === 'paused') ?? false,
    mayHandle,
  };
}
