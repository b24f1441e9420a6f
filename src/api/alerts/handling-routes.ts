import type { Alerting } from '#alerting';
import { messageOf, OmoiError, type Clock } from '#telemetry';
import type { z } from 'zod';
import { OPERATORS, READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { alertParams, alertView } from './alert-schemas.ts';
import { viewOfAlert, viewOfComment } from './alert-view.ts';
import {
  acknowledgeBody,
  assignBody,
  bulkAnswer,
  bulkBody,
  commentBody,
  commentsAnswer,
  commentView,
  snoozeBody,
} from './handling-schemas.ts';

export interface HandlingRouteParts {
  readonly alerting: Pick<Alerting, 'alerts' | 'handling'>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const PATH = '/api/v1/alerts/:alert_id';
/** Of a request that names as many alerts as it may. */
const maxBulkBytes = 131_072;
/** Alerts of one request that are changed side by side; those that wait for the database share its commits. */
const maxChangedSideBySide = 20;

/** `/api/v1/alerts/{id}/…`: what people do about alerts. */
export function registerHandlingRoutes(app: ApiApp, parts: HandlingRouteParts): void {
  registerStateChanges(app, parts);
  registerSnoozing(app, parts);
  registerComments(app, parts);
  registerBulk(app, parts);
}

function registerStateChanges(app: ApiApp, { alerting }: HandlingRouteParts): void {
  app.route({
    method: 'POST',
    url: `${PATH}/acknowledge`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Say that somebody has seen the alert; the first one to say so is kept',
      params: alertParams,
      body: acknowledgeBody,
      response: { 200: alertView },
    },
    handler: async ({ params, body, principal }) =>
      viewOfAlert(await alerting.handling.acknowledge(params.alert_id, principal.name, body?.note ?? null)),
  });
  app.route({
    method: 'POST',
    url: `${PATH}/resolve`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'End an alert; it fires again only after its condition was false once',
      params: alertParams,
      response: { 200: alertView },
    },
    handler: async ({ params }) => viewOfAlert(await alerting.alerts.resolve(params.alert_id)),
  });
  app.route({
    method: 'POST',
    url: `${PATH}/assign`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Say who looks after the alert',
      params: alertParams,
      body: assignBody,
      response: { 200: alertView },
    },
    handler: async ({ params, body, principal }) =>
      viewOfAlert(await alerting.handling.assign(params.alert_id, body.assigned_to, principal.name)),
  });
}

function registerSnoozing(app: ApiApp, { alerting, clock }: HandlingRouteParts): void {
  app.route({
    method: 'POST',
    url: `${PATH}/snooze`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Tell nobody that the alert fires before a time; if it still fires then, people are told',
      params: alertParams,
      body: snoozeBody,
      response: { 200: alertView },
    },
    handler: async ({ params, body, principal }) => {
      const order = { untilMs: untilOf(body, clock), by: principal.name, note: body.note ?? null };
      return viewOfAlert(await alerting.handling.snooze(params.alert_id, order));
    },
  });
  app.route({
    method: 'POST',
    url: `${PATH}/unsnooze`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'End the snooze of an alert before its time',
      params: alertParams,
      response: { 200: alertView },
    },
    handler: async ({ params, principal }) =>
      viewOfAlert(await alerting.handling.unsnooze(params.alert_id, principal.name)),
  });
}

function registerComments(app: ApiApp, { alerting }: HandlingRouteParts): void {
  app.route({
    method: 'GET',
    url: `${PATH}/comments`,
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'What people have said about an alert, in order',
      params: alertParams,
      response: { 200: commentsAnswer },
    },
    handler: async ({ params: { alert_id: id } }) => ({
      alert_id: id,
      comments: (await alerting.handling.comments(id)).map(viewOfComment),
    }),
  });
  app.route({
    method: 'POST',
    url: `${PATH}/comments`,
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Say something about an alert; about one that is over, too',
      params: alertParams,
      body: commentBody,
      response: { 201: commentView },
    },
    handler: async ({ params, body, principal }, reply) => {
      const comment = await alerting.handling.comment(params.alert_id, body.text, principal.name);
      return reply.code(201).send(viewOfComment(comment));
    },
  });
}

function registerBulk(app: ApiApp, parts: HandlingRouteParts): void {
  app.route({
    method: 'POST',
    url: '/api/v1/alerts/bulk',
    config: { access: OPERATORS },
    bodyLimit: maxBulkBytes,
    schema: {
      tags: ['alerts'],
      summary: 'Do the same about many alerts; where it fails for one the others are done all the same',
      body: bulkBody,
      response: { 200: bulkAnswer },
    },
    handler: async ({ body, principal }) => {
      const ids = [...new Set(body.ids)];
      const results: z.input<typeof bulkAnswer>['results'] = [];
      for (let at = 0; at < ids.length; at += maxChangedSideBySide) {
        const some = ids.slice(at, at + maxChangedSideBySide);
        results.push(
          ...(await Promise.all(
            some.map((id) => resultOf(id, () => handle(id, body, principal.name, parts))),
          )),
        );
      }
      return { results };
    },
  });
}

/** @throws what is no refusal of this alert alone */
async function resultOf(
  id: string,
  work: () => Promise<unknown>,
): Promise<z.input<typeof bulkAnswer>['results'][number]> {
  try {
    await work();
    return { alert_id: id, error: null, message: null };
  } catch (thrown) {
    if (!(thrown instanceof OmoiError)) throw thrown;
    return { alert_id: id, error: thrown.code, message: messageOf(thrown) };
  }
}

function handle(
  id: string,
  body: z.output<typeof bulkBody>,
  by: string,
  { alerting, clock }: HandlingRouteParts,
): Promise<unknown> {
  const { alerts, handling } = alerting;
  const note = body.note ?? null;
  switch (body.action) {
    case 'acknowledge':
      return handling.acknowledge(id, by, note);
    case 'resolve':
      return alerts.resolve(id);
    case 'snooze':
      return handling.snooze(id, { untilMs: untilOf(body, clock), by, note });
    case 'unsnooze':
      return handling.unsnooze(id, by);
    case 'assign':
      return handling.assign(id, body.assigned_to ?? null, by);
    case 'comment':
      return handling.comment(id, body.text ?? '', by);
  }
}

function untilOf(
  {
    until,
    duration_ms: durationMs,
  }: { readonly until?: number | undefined; readonly duration_ms?: number | undefined },
  clock: Pick<Clock, 'wallMs'>,
): number {
  return until ?? Math.floor(clock.wallMs()) + (durationMs ?? 0);
}
