import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
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
import { usePageSize } from '../hooks/use-page-size.ts';
import { More } from './more.tsx';
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
          <RouteRows
            key={String(tested !== null)}
            routes={routes}
            byRoute={byRoute}
            isTried={tested !== null}
          />
        )}
      </QueryView>
    </Panel>
  );
}

interface RouteRowsProps {
  readonly routes: readonly Route[];
  readonly byRoute: ReadonlyMap<string, TestedRoute>;
  readonly isTried: boolean;
}

/** Of many routes the first; where an alert is tried, those on its way. The others are shown on demand. */
function RouteRows({ routes, byRoute, isTried }: RouteRowsProps) {
  const size = usePageSize(ROUTES_AT_FIRST);
  const [showsAll, setShowsAll] = useState(false);
  const onWay = isTried ? routes.filter((route) => isOnWay(byRoute.get(route.route_id))) : [];
  const isFolded = isTried && !showsAll && routes.length > ROUTES_AT_FIRST;
  const shown = isFolded ? onWay : isTried ? routes : routes.slice(0, size.rows);
  return (
    <>
      <ol className={styles.routes} aria-label="Routes, each below the one that it belongs to">
        {shown.map((route) => (
          <RouteRow
            key={route.route_id}
            route={route}
            tested={byRoute.get(route.route_id) ?? null}
            isTried={isTried}
          />
        ))}
      </ol>
      {isFolded && (
        <More
          shown={shown.length}
          total={routes.length}
          what="routes, those on its way"
          onMore={() => setShowsAll(true)}
        />
      )}
      {!isTried && shown.length < routes.length && (
        <More shown={shown.length} total={routes.length} what="routes" onMore={size.more} />
      )}
    </>
  );
}

/** Of more routes so many are shown at first. */
const ROUTES_AT_FIRST = 40;

/** Whether a tried alert comes to it: it takes it, or passes it on to one below. */
function isOnWay(tested: TestedRoute | undefined): boolean {
  return tested?.decision === 'receives' || tested?.decision === 'passed_on';
}

interface RouteRowProps {
  readonly route: Route;
  readonly tested: TestedRoute | null;
  /** Whether an alert is tried: what it does not come to stands back. */
  readonly isTried: boolean;
}

function RouteRow({ route, tested, isTried }: RouteRowProps) {
  const stand = tested && describeTested(tested);
  const isAway = isTried && !isOnWay(tested ?? undefined);
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
