import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
  stripSearchParams,
  type SearchSchemaInput,
} from '@tanstack/react-router';
import { useEffect } from 'react';
import { sessionQuery } from './api/queries.ts';
import type { Server } from './api/server-context.tsx';
import { NotFound } from './components/not-found.tsx';
import { Shell } from './components/shell.tsx';
import { readAlertSearch, type AlertSearch } from './domain/alert-filter.ts';
import { readRoutingSearch, type RoutingSearch } from './domain/message-filter.ts';
import { readRepairSearch, type RepairSearch } from './domain/repair-filter.ts';
import {
  readLoginSearch,
  readTraceSearch,
  readViewSearch,
  VIEW_DEFAULTS,
  type ViewSearch,
} from './domain/search.ts';
import {
  readRuleSearch,
  readRuleViewSearch,
  type RuleSearch,
  type RuleViewSearch,
} from './domain/rule-filter.ts';
import { readSilenceSearch, type SilenceSearch } from './domain/silence-text.ts';
import { readTaskSearch, type TaskSearch } from './domain/task-filter.ts';
import { readFleetSearch, type FleetSearch } from './domain/whole-fleet.ts';
import { LoginPage } from './pages/login.tsx';

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
  validateSearch: (search: ViewSearchInput & SearchSchemaInput) => readViewSearch({ ...search }),
  search: { middlewares: [stripSearchParams(VIEW_DEFAULTS)] },
  component: InsideShell,
});

/** What a link to a page may say; what it leaves out is the default. */
type ViewSearchInput = { readonly [Choice in keyof ViewSearch]?: ViewSearch[Choice] | undefined };

function InsideShell() {
  const { session } = inside.useRouteContext();
  // A page that is opened while the server is away is here already.
  useEffect(() => {
    for (const { options } of PAGES) void options.component?.preload?.();
  }, []);
  return <Shell session={session} />;
}

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  staticData: { title: () => 'Overview' },
  component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'OverviewPage'),
});

const fleet = createRoute({
  getParentRoute: () => inside,
  path: '/fleet',
  staticData: { title: () => 'Fleet' },
  validateSearch: (search: FleetSearch & SearchSchemaInput) => readFleetSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/fleet.tsx'), 'FleetPage'),
});

const agent = createRoute({
  getParentRoute: () => inside,
  path: '/fleet/$agentId',
  staticData: { title: ({ agentId }) => `Agent ${agentId}` },
  component: lazyRouteComponent(() => import('./pages/agent.tsx'), 'AgentPage'),
});

const tasks = createRoute({
  getParentRoute: () => inside,
  path: '/tasks',
  staticData: { title: () => 'Tasks' },
  validateSearch: (search: TaskSearch & SearchSchemaInput) => readTaskSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/tasks.tsx'), 'TasksPage'),
});

const task = createRoute({
  getParentRoute: () => inside,
  path: '/tasks/$taskId',
  staticData: { title: ({ taskId }) => `Task ${taskId}` },
  component: lazyRouteComponent(() => import('./pages/task.tsx'), 'TaskPage'),
});

const alerts = createRoute({
  getParentRoute: () => inside,
  path: '/alerts',
  staticData: { title: () => 'Alerts' },
  validateSearch: (search: AlertSearch & SearchSchemaInput) => readAlertSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/alerts.tsx'), 'AlertsPage'),
});

const alert = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/$alertId',
  staticData: { title: ({ alertId }) => `Alert ${alertId}` },
  component: lazyRouteComponent(() => import('./pages/alert.tsx'), 'AlertPage'),
});

const rules = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/rules',
  staticData: { title: () => 'Rules' },
  validateSearch: (search: RuleSearch & SearchSchemaInput) => readRuleSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/rules.tsx'), 'RulesPage'),
});

const rule = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/rules/$ruleKey',
  staticData: { title: ({ ruleKey }) => `Rule ${ruleKey}` },
  validateSearch: (search: RuleViewSearch & SearchSchemaInput) => readRuleViewSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/rule.tsx'), 'RulePage'),
});

const silences = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/silences',
  staticData: { title: () => 'Silences' },
  validateSearch: (search: SilenceSearch & SearchSchemaInput) => readSilenceSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/silences.tsx'), 'SilencesPage'),
});

const routes = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/routes',
  staticData: { title: () => 'Routes and receivers' },
  validateSearch: (search: RoutingSearch & SearchSchemaInput) => readRoutingSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/routes.tsx'), 'RoutesPage'),
});

const onCall = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/on-call',
  staticData: { title: () => 'On call' },
  component: lazyRouteComponent(() => import('./pages/on-call.tsx'), 'OnCallPage'),
});

const pendingAlert = createRoute({
  getParentRoute: () => inside,
  path: '/alerts/pending/$activeId',
  staticData: { title: () => 'Pending alert' },
  component: lazyRouteComponent(() => import('./pages/pending-alert.tsx'), 'PendingAlertPage'),
});

const repairs = createRoute({
  getParentRoute: () => inside,
  path: '/repairs',
  staticData: { title: () => 'Repairs' },
  validateSearch: (search: RepairSearch & SearchSchemaInput) => readRepairSearch({ ...search }),
  component: lazyRouteComponent(() => import('./pages/repairs.tsx'), 'RepairsPage'),
});

const repair = createRoute({
  getParentRoute: () => inside,
  path: '/repairs/$remediationId',
  staticData: { title: ({ remediationId }) => `Repair ${remediationId}` },
  component: lazyRouteComponent(() => import('./pages/repair.tsx'), 'RepairPage'),
});

const events = createRoute({
  getParentRoute: () => inside,
  path: '/events',
  staticData: { title: () => 'Events' },
  component: lazyRouteComponent(() => import('./pages/events.tsx'), 'EventsPage'),
});

const traces = createRoute({
  getParentRoute: () => inside,
  path: '/traces',
  staticData: { title: () => 'Traces' },
  component: lazyRouteComponent(() => import('./pages/traces.tsx'), 'TracesPage'),
});

const trace = createRoute({
  getParentRoute: () => inside,
  path: '/traces/$traceId',
  staticData: { title: ({ traceId }) => `Trace ${traceId?.slice(0, 8)}` },
  validateSearch: readTraceSearch,
  component: lazyRouteComponent(() => import('./pages/trace.tsx'), 'TracePage'),
});

const nowhere = createRoute({
  getParentRoute: () => inside,
  path: '$',
  staticData: { title: () => 'No such page' },
  component: NotFound,
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  staticData: { title: () => 'Log in' },
  validateSearch: readLoginSearch,
  component: LoginPage,
});

const PAGES = [
  overview,
  fleet,
  agent,
  tasks,
  task,
  alerts,
  alert,
  pendingAlert,
  rules,
  rule,
  silences,
  routes,
  onCall,
  repairs,
  repair,
  events,
  traces,
  trace,
] as const;

export function createAppRouter(context: RouterContext) {
  return createRouter({
    routeTree: root.addChildren([inside.addChildren([...PAGES, nowhere]), login]),
    context,
    defaultPreload: 'intent',
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
  interface StaticDataRouteOption {
    /** What the browser's tab says of the page, and what is told to who hears it. */
    title?: (params: Readonly<Partial<Record<string, string>>>) => string;
  }
}
