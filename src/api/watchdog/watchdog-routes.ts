import { OmoiError, storedText } from '#telemetry';
import type { Policy, RemediationArchive, Watchdog } from '#watchdog';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import {
  policyListSchema,
  policyQuerySchema,
  remediationListSchema,
  remediationQuerySchema,
  remediationSchema,
  watchdogStateSchema,
} from './watchdog-schemas.ts';
import { jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { rowsBehind, sendPagedList } from '../http/paged-list.ts';
import { sendPieces } from '../http/pieces.ts';
import { OPERATORS, READERS } from '../access/roles.ts';
import { viewOfPolicy, viewOfRemediation, viewOfStates } from './watchdog-view.ts';

export interface WatchdogRouteParts {
  readonly watchdog: Watchdog;
  readonly remediations: RemediationArchive;
}

const idParams = z.object({ id: storedText(100) });

/** Policies, remediations, and the hand of a person on them. */
export function registerWatchdogRoutes(app: ApiApp, { watchdog, remediations }: WatchdogRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/watchdog/policies',
    config: { access: READERS },
    schema: {
      tags: ['watchdog'],
      summary: 'the policies in force, in the order of their files',
      querystring: policyQuerySchema,
      response: { 200: policyListSchema },
    },
    handler: async ({ query: { after = null, limit } }, reply) => {
      const page = pageOfPolicies(watchdog.policies.list(), { after, limit });
      const policies = jsonOfList(mapped(page, (policy) => viewOfPolicy(policy, watchdog)));
      return sendPieces(reply.type('application/json'), jsonOfFields([['policies', policies]]));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/watchdog/remediations',
    config: { access: READERS },
    schema: {
      tags: ['watchdog'],
      summary: 'remediations, newest first',
      querystring: remediationQuerySchema,
      response: { 200: remediationListSchema },
    },
    async handler({ query }, reply) {
      const read = async (beforeId: string | null, limit: number) => {
        const rows = await remediations.list({
          ...(query.state === undefined ? {} : { states: [query.state] }),
          ...(query.policy === undefined ? {} : { policy: query.policy }),
          ...(query.alert_id === undefined ? {} : { alertId: query.alert_id }),
          ...(query.target_id === undefined ? {} : { targetId: query.target_id }),
          ...(query.concern === undefined ? {} : { concern: query.concern }),
          ...(beforeId === null ? {} : { beforeId }),
          limit,
        });
        return rowsBehind(rows, limit, ({ remediation }) => remediation.id);
      };
      return sendPagedList(reply, {
        name: 'remediations',
        after: query.before ?? null,
        limit: query.limit,
        read,
        view: (one) => viewOfRemediation(one, watchdog),
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/watchdog/remediations/:id',
    config: { access: READERS },
    schema: {
      tags: ['watchdog'],
      summary: 'one remediation: what it did, and what held it back',
      params: idParams,
      response: { 200: remediationSchema },
    },
    handler: async ({ params }) => viewOfRemediation(await remediations.get(params.id), watchdog),
  });
  for (const decision of ['approve', 'reject'] as const) {
    app.route({
      method: 'POST',
      url: `/api/v1/watchdog/remediations/:id/${decision}`,
      config: { access: OPERATORS },
      schema: {
        tags: ['watchdog'],
        summary: `${decision} a remediation that awaits approval`,
        params: idParams,
        response: { 200: remediationSchema },
      },
      async handler({ params, principal }) {
        await watchdog[decision](params.id, principal.name);
        return viewOfRemediation(await remediations.get(params.id), watchdog);
      },
    });
  }
  registerStateRoutes(app, watchdog);
}

/** @throws OmoiError `invalid_request` where `after` is not in force any more */
function pageOfPolicies(
  policies: readonly Policy[],
  { after, limit }: { readonly after: string | null; readonly limit: number },
): readonly Policy[] {
  const start = after === null ? 0 : policies.findIndex(({ name }) => name === after) + 1;
  if (after !== null && start === 0) {
    throw new OmoiError(
      'invalid_request',
      `after: policy ${JSON.stringify(after)} is not in force: begin anew`,
    );
  }
  return policies.slice(start, start + limit);
}

function registerStateRoutes(app: ApiApp, watchdog: Watchdog): void {
  app.route({
    method: 'GET',
    url: '/api/v1/watchdog/state',
    config: { access: READERS },
    schema: {
      tags: ['watchdog'],
      summary: 'whether the watchdog is paused, in a storm, or distrusts itself',
      response: { 200: watchdogStateSchema },
    },
    handler: () => viewOfStates(watchdog),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/watchdog/pause',
    config: { access: OPERATORS },
    schema: {
      tags: ['watchdog'],
      summary: 'start no remediation until resumed; what runs is seen through',
      body: z.strictObject({ reason: storedText(500).min(1) }),
      response: { 200: watchdogStateSchema },
    },
    async handler({ body, principal }) {
      await watchdog.pause(principal.name, body.reason);
      return viewOfStates(watchdog);
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/watchdog/resume',
    config: { access: OPERATORS },
    schema: { tags: ['watchdog'], summary: 'go on', response: { 200: watchdogStateSchema } },
    async handler({ principal }) {
      await watchdog.resume(principal.name);
      return viewOfStates(watchdog);
    },
  });
}
