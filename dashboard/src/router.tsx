import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Link,
  redirect,
  stripSearchParams,
  type SearchSchemaInput,
} from '@tanstack/react-router';
import { sessionQuery } from './api/queries.ts';
import type { Server } from './api/server-context.tsx';
import { Shell } from './components/shell.tsx';
import {
  MISSION_CONTROL_DEFAULTS,
  readLoginSearch,
  readMissionControlSearch,
  readTraceSearch,
  type MissionControlSearch,
} from './domain/search.ts';
import { LoginPage } from './pages/login.tsx';
import { MissionControl } from './pages/mission-control.tsx';

export interface RouterContext {
  readonly queries: QueryClient;
  readonly server: Server;
}

const root = createRootRouteWithContext<RouterContext>()({ notFoundComponent: NotFound });

/** Everything that needs a session. Who has none is sent to log in, and comes back to where they wanted to go. */
const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  async beforeLoad({ context: { queries, server }, location }) {
    const session = await queries.ensureQueryData(sessionQuery(server.client));
    if (session === null) {
      const next = location.href === '/' ? {} : { next: location.href };
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- how this router is told to go elsewhere
      throw redirect({ to: '/login', search: next });
    }
    return { session };
  },
  component: InsideShell,
});

function InsideShell() {
  const { session } = inside.useRouteContext();
  return <Shell session={session} />;
}

const missionControl = createRoute({
  getParentRoute: () => inside,
  path: '/',
  validateSearch: (search: Partial<MissionControlSearch> & SearchSchemaInput) =>
    readMissionControlSearch(search),
  search: { middlewares: [stripSearchParams(MISSION_CONTROL_DEFAULTS)] },
  component: MissionControl,
});

const trace = createRoute({
  getParentRoute: () => inside,
  path: '/traces/$traceId',
  validateSearch: readTraceSearch,
  component: lazyRouteComponent(() => import('./pages/trace.tsx'), 'TracePage'),
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: readLoginSearch,
  component: LoginPage,
});

function NotFound() {
  return (
    <main style={{ padding: 32 }}>
      <h1>There is no such page</h1>
      <Link to="/">Mission control</Link>
    </main>
  );
}

export function createAppRouter(context: RouterContext) {
  return createRouter({
    routeTree: root.addChildren([inside.addChildren([missionControl, trace]), login]),
    context,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
