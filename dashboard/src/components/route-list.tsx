import { useQuery } from '@tanstack/react-query';
import { routesQuery } from '../api/notification-queries.ts';
import { useServer } from '../api/server-context.tsx';
import type { Route } from '../api/wire.ts';
import { number } from '../domain/count.ts';
import {
  describeHeld,
  describeTested,
  describeTimers,
  routeMatch,
  routeNotes,
  type TestedRoute,
} from '../domain/route-text.ts';
import { Panel } from './panel.tsx';
import { QueryView } from './query-view.tsx';
import styles from './route-list.module.css';
import { ToneLabel } from './tone-dot.tsx';

/** How far in a route stands at most: deeper ones stand below each other. */
const MAX_INDENT = 6;

/** The routing tree, a route a row; where an alert is tried, what each route makes of it. */
export function RoutesPanel({ tested }: { readonly tested: readonly TestedRoute[] | null }) {
  const { client } = useServer();
  const query = useQuery(routesQuery(client));
  const byRoute = new Map(tested?.map((step) => [step.route_id, step] as const) ?? []);
  return (
    <Panel title="Routes" note={query.data ? number(query.data.length) : undefined}>
      <QueryView query={query} placeholderLines={4}>
        {(routes) => (
          <ol className={styles.routes} aria-label="Routes, each below the one that it belongs to">
            {routes.map((route) => (
              <RouteRow
                key={route.route_id}
                route={route}
                tested={byRoute.get(route.route_id) ?? null}
                isTried={tested !== null}
              />
            ))}
          </ol>
        )}
      </QueryView>
    </Panel>
  );
}

interface RouteRowProps {
  readonly route: Route;
  readonly tested: TestedRoute | null;
  /** Whether an alert is tried: what it does not come to stands back. */
  readonly isTried: boolean;
}

function RouteRow({ route, tested, isTried }: RouteRowProps) {
  const stand = tested && describeTested(tested);
  const isAway = isTried && tested?.decision !== 'receives' && tested?.decision !== 'passed_on';
  return (
    <li
      className={styles.route}
      style={{ marginLeft: `calc(${Math.min(route.depth, MAX_INDENT)} * var(--indent))` }}
      data-away={isAway}
      data-row
      tabIndex={-1}
    >
      <div className={styles.head}>
        <code className={styles.match}>{routeMatch(route)}</code>
        <span className={styles.receiver}>
          <span aria-hidden="true">→ </span>
          <span className="visually-hidden">to </span>
          {route.receiver}
          {route.continue && ', and on'}
        </span>
        {stand && <ToneLabel tone={stand.tone}>{stand.text}</ToneLabel>}
        {route.silent !== null && <ToneLabel tone="caution">silent</ToneLabel>}
      </div>
      {tested && tested.decision !== 'receives' && <p className={styles.text}>{tested.reason}</p>}
      <p className={styles.text}>{[describeTimers(route), ...routeNotes(route)].join('; ')}</p>
      <p className={styles.text}>Holds {describeHeld(route)}</p>
    </li>
  );
}
