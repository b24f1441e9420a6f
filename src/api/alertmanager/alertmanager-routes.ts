import { matchesAll, toRfc3339 } from '#telemetry';
import { PUBLIC, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import type { AlertmanagerParts } from './alertmanager-parts.ts';
import { alertRoutes } from './alert-routes.ts';
import { receiversAnswer, statusAnswer } from './alertmanager-schemas.ts';
import { type AlertmanagerRoute, registerAlertmanagerScope, sendJson } from './alertmanager-scope.ts';
import { readMatchers, RECEIVER_MATCHERS_CONTEXT, receiversQuery } from './query-filters.ts';
import { silenceRoutes } from './silence-routes.ts';

/** The Alertmanager whose API this is: clients look at it. */
const ALERTMANAGER_VERSION = '0.34.0';

/** `/alertmanager`: what amtool, Grafana, karma and Prometheus call. */
export function registerAlertmanagerRoutes(app: ApiApp, parts: AlertmanagerParts): void {
  registerAlertmanagerScope(app, [
    readStatus(parts),
    listReceivers(parts),
    ...alertRoutes(parts),
    ...silenceRoutes(parts),
    ...GONE_ROUTES,
    ...OTHER_ROUTES,
  ]);
}

function readStatus({ view, version }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'GET',
    path: 'api/v2/status',
    access: READERS,
    schema: {
      summary: 'The configuration of notification and since when it runs; there is no cluster',
      response: { 200: statusAnswer },
    },
    handle: (_request, reply) =>
      sendJson(reply, {
        cluster: { peers: [], status: 'disabled' },
        config: { original: view.configuration() },
        uptime: toRfc3339(view.startedAtMs),
        versionInfo: {
          branch: 'omoi',
          buildDate: '',
          buildUser: '',
          goVersion: '',
          revision: version,
          version: ALERTMANAGER_VERSION,
        },
      }),
  };
}

function listReceivers({ view, language }: AlertmanagerParts): AlertmanagerRoute {
  return {
    method: 'GET',
    path: 'api/v2/receivers',
    access: READERS,
    schema: {
      summary: 'The receivers of the configuration',
      querystring: receiversQuery,
      response: { 200: receiversAnswer },
    },
    handle(request, reply) {
      const query = receiversQuery.parse(request.query);
      const wanted = readMatchers(query.receiver_matchers, language.parseMatcher, RECEIVER_MATCHERS_CONTEXT);
      const receivers = view.receivers().filter(({ labels }) => matchesAll(wanted, labels));
      return sendJson(
        reply,
        receivers.map(({ name, labels }) => ({ labels, name })),
      );
    },
  };
}

const GONE = {
  status: 'deprecated',
  error:
    'The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API',
};

const GONE_ROUTES = (['GET', 'POST', 'DELETE'] as const).map((method): AlertmanagerRoute => ({
  method,
  path: 'api/v1/*',
  access: PUBLIC,
  schema: { summary: 'The first API of Alertmanager: gone, there as here' },
  handle: (_request, reply) => sendJson(reply.code(410), GONE),
}));

/** What programs ask an Alertmanager for besides its API. */
const OTHER_ROUTES: readonly AlertmanagerRoute[] = [
  ...['healthy', 'ready'].map((name): AlertmanagerRoute => ({
    method: 'GET',
    path: `-/${name}`,
    access: PUBLIC,
    schema: { summary: `Whether an Alertmanager answers here; \`/healthz\` and \`/readyz\` say how Omoi is` },
    handle: (_request, reply) => reply.type('text/plain').send('OK'),
  })),
  {
    method: 'GET',
    path: 'metrics',
    access: READERS,
    schema: { summary: 'The version of the API, where karma looks for it; Omoi’s metrics are at `/metrics`' },
    handle: (_request, reply) =>
      reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .send(
          '# HELP alertmanager_build_info The Alertmanager whose API is served.\n' +
            '# TYPE alertmanager_build_info gauge\n' +
            `alertmanager_build_info{version="${ALERTMANAGER_VERSION}"} 1\n`,
        ),
  },
];
