import type { Policy, RemediationArchive, RemediationDetail, Watchdog } from '#watchdog';
import { toRfc3339, toRfc3339OrNull, traceIdOf } from '#telemetry';
import { z } from 'zod';
import type { ApiApp } from '../http/app.ts';
import {
  policySchema,
  remediationListSchema,
  remediationQuerySchema,
  remediationSchema,
  watchdogStateSchema,
} from './watchdog-schemas.ts';

export interface WatchdogRouteParts {
  readonly watchdog: Watchdog;
  readonly remediations: RemediationArchive;
}

const READERS = ['viewer', 'operator', 'admin'] as const;
const CHANGERS = ['operator', 'admin'] as const;
const idParams = z.object({ id: z.string() });

/** Policies, remediations, and the hand of a person on them. */
export function registerWatchdogRoutes(app: ApiApp, { watchdog, remediations }: WatchdogRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/watchdog/policies',
    config: { access: READERS },
    schema: {
      tags: ['watchdog'],
      summary: 'the policies in force',
      response: { 200: z.object({ policies: z.array(policySchema) }) },
    },
    handler: () => ({ policies: watchdog.policies.list().map(policyJson) }),
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
    async handler({ query }) {
      const found = await remediations.list({
        ...(query.state === undefined ? {} : { states: [query.state] }),
        ...(query.policy === undefined ? {} : { policy: query.policy }),
        ...(query.alert_id === undefined ? {} : { alertId: query.alert_id }),
        ...(query.target_id === undefined ? {} : { targetId: query.target_id }),
        ...(query.before === undefined ? {} : { beforeId: query.before }),
        limit: query.limit,
      });
      return { remediations: found.map(remediationJson) };
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
    handler: async ({ params }) => remediationJson(await remediations.get(params.id)),
  });
  for (const decision of ['approve', 'reject'] as const) {
    app.route({
      method: 'POST',
      url: `/api/v1/watchdog/remediations/:id/${decision}`,
      config: { access: CHANGERS },
      schema: {
        tags: ['watchdog'],
        summary: `${decision} a remediation that awaits approval`,
        params: idParams,
        response: { 200: remediationSchema },
      },
      async handler({ params, principal }) {
        await watchdog[decision](params.id, principal.name);
        return remediationJson(await remediations.get(params.id));
      },
    });
  }
  registerStateRoutes(app, watchdog);
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
    handler: () => statesJson(watchdog),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/watchdog/pause',
    config: { access: CHANGERS },
    schema: {
      tags: ['watchdog'],
      summary: 'start no remediation until resumed; what runs is seen through',
      body: z.object({ reason: z.string().min(1) }),
      response: { 200: watchdogStateSchema },
    },
    async handler({ body, principal }) {
      await watchdog.pause(principal.name, body.reason);
      return statesJson(watchdog);
    },
  });
  app.route({
    method: 'POST',
    url: '/api/v1/watchdog/resume',
    config: { access: CHANGERS },
    schema: { tags: ['watchdog'], summary: 'go on', response: { 200: watchdogStateSchema } },
    async handler({ principal }) {
      await watchdog.resume(principal.name);
      return statesJson(watchdog);
    },
  });
}

function statesJson({ states }: Watchdog): z.input<typeof watchdogStateSchema> {
  const active = (['paused', 'storm', 'self_suspicion'] as const).flatMap((state) => {
    const found = states.get(state);
    return found ? [{ state, reason: found.reason, by: found.by, since: toRfc3339(found.sinceMs) }] : [];
  });
  return { states: active };
}

function policyJson(policy: Policy): z.input<typeof policySchema> {
  const { guards } = policy;
  return {
    name: policy.name,
    description: policy.description,
    mode: policy.mode,
    match: policy.match.map(
      (matcher) => `${matcher.name}${matcher.operator}${JSON.stringify(matcher.value)}`,
    ),
    target: { ...policy.target },
    steps: policy.steps.map((step) =>
      step.action === 'scale'
        ? {
            action: step.action,
            verify_within_ms: step.verify.within,
            add: step.add,
            ttl_ms: step.ttl,
            release_after_ms: step.release_after,
          }
        : { action: step.action, verify_within_ms: step.verify.within },
    ),
    guards: {
      cooldown_ms: guards.cooldown,
      max_parallel: guards.max_parallel,
      max_starts: guards.max_starts,
      window_ms: guards.window,
      spare_healthy: guards.spare_healthy,
    },
    guardian: policy.guardian,
  };
}

function remediationJson({
  remediation,
  actions,
  suppressions,
}: RemediationDetail): z.input<typeof remediationSchema> {
  return {
    id: remediation.id,
    policy: remediation.policy,
    alert_id: remediation.alert_id,
    rule_id: remediation.rule_id,
    target: { kind: remediation.target_kind, id: remediation.target_id },
    state: remediation.state,
    step: remediation.step + 1,
    outcome: remediation.outcome,
    reason: remediation.reason,
    planned_at: toRfc3339(remediation.planned_at_ms),
    step_started_at: toRfc3339OrNull(remediation.step_started_at_ms),
    verify_until: toRfc3339OrNull(remediation.verify_until_ms),
    ended_at: toRfc3339OrNull(remediation.ended_at_ms),
    approved_by: remediation.approved_by,
    trace_id: traceIdOf(remediation.traceparent),
    actions: actions.map((action) => ({
      step: action.step + 1,
      action: action.action,
      expected_generation: action.expected_generation,
      intended_at: toRfc3339(action.intended_at_ms),
      attempts: action.attempts,
      next_attempt_at: toRfc3339OrNull(action.next_attempt_at_ms),
      finished_at: toRfc3339OrNull(action.finished_at_ms),
      result: action.result,
      detail: action.detail,
    })),
    suppressions: suppressions.map((suppression) => ({
      guard: suppression.guard,
      reason: suppression.reason,
      first_at: toRfc3339(suppression.first_at_ms),
      last_at: toRfc3339(suppression.last_at_ms),
      count: suppression.count,
      until: toRfc3339OrNull(suppression.until_ms),
    })),
  };
}
