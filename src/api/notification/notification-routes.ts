import type { Alerting } from '#alerting';
import type { Notification } from '#notification';
import { PageCursors, toRfc3339, toRfc3339OrNull } from '#telemetry';
import type { z } from 'zod';
import { OPERATORS, READERS } from '../access/roles.ts';
import { alertParams } from '../alerts/alert-schemas.ts';
import { viewOfComments } from '../alerts/alert-view.ts';
import type { ApiApp } from '../http/app.ts';
import {
  explainAnswer,
  messageAnswer,
  messageParams,
  messagesAnswer,
  messagesQuery,
  receiverParams,
  receiversAnswer,
  receiverTestAnswer,
} from './notification-schemas.ts';

export interface NotificationRouteParts {
  readonly notification: Pick<
    Notification,
    'explain' | 'message' | 'messages' | 'receivers' | 'testReceiver' | 'waitsOf'
  >;
  /** @throws OmoiError `unknown_alert` */
  readonly alerting: {
    readonly alerts: { get(alertId: string): Promise<unknown> };
    readonly handling: Pick<Alerting['handling'], 'newestComments'>;
  };
}

type MessageView = z.input<typeof messagesAnswer>['messages'][number];
type ListedMessage = Awaited<ReturnType<Notification['message']>>;
type Message = Awaited<ReturnType<Notification['explain']>>['messages'][number];

/** What is told to whom: explanations, messages, receivers. */
export function registerNotificationRoutes(
  app: ApiApp,
  { notification, alerting }: NotificationRouteParts,
): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/:alert_id/explain',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'What was decided about telling of an alert, stage by stage, and what became of the messages',
      params: alertParams,
      response: { 200: explainAnswer },
    },
    handler: async ({ params: { alert_id: id } }) => {
      await alerting.alerts.get(id);
      const { decisions, messages, leftOut } = await notification.explain(id);
      return {
        alert_id: id,
        decisions: decisions.map(({ atMs, stage, decision, receiver, notificationId, reason }) => ({
          at: toRfc3339(atMs),
          stage,
          decision,
          receiver,
          notification_id: notificationId,
          reason,
        })),
        waits: notification.waitsOf(id).map(({ stage, receiver, groupKey, untilMs, reason }) => ({
          stage,
          receiver,
          group_key: groupKey,
          until: toRfc3339OrNull(untilMs),
          reason,
        })),
        messages: messages.map(viewOfMessage),
        left_out: {
          decisions: leftOut.decisions,
          messages: leftOut.messages,
          at_least: leftOut.isMore,
        },
        ...viewOfComments(await alerting.handling.newestComments(id)),
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/notifications',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'Messages to receivers, the newest first',
      querystring: messagesQuery,
      response: { 200: messagesAnswer },
    },
    handler: async ({ query: { limit, cursor, ...filters } }) => {
      const { state, receiver } = filters;
      const cursors = new PageCursors('notifications', filters);
      const page = await notification.messages({
        ...(state === undefined ? {} : { state }),
        ...(receiver === undefined ? {} : { receiver }),
        ...(cursor === undefined ? {} : { before: cursors.placeOf(cursor) }),
        limit,
      });
      return {
        messages: page.messages.map(viewOfListed),
        next_cursor: page.next === null ? null : cursors.at(page.next),
      };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/notifications/:notification_id',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'One message',
      params: messageParams,
      response: { 200: messageAnswer },
    },
    handler: async ({ params }) => viewOfListed(await notification.message(params.notification_id)),
  });
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/receivers',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'The receivers of the configuration, without what is secret',
      response: { 200: receiversAnswer },
    },
    handler: () => ({
      receivers: notification.receivers().map(({ name, labels, integrations }) => ({
        name,
        labels: { ...labels },
        integrations: integrations.map(({ key, type, isBuilt, sendResolved, pending, refusing }) => ({
          integration: key,
          type,
          built: isBuilt,
          send_resolved: sendResolved,
          pending,
          refuses_since: toRfc3339OrNull(refusing?.sinceMs ?? null),
          refusal: refusing?.answer ?? null,
        })),
      })),
    }),
  });
  app.route({
    method: 'POST',
    url: '/api/v1/alerts/receivers/:receiver/test',
    config: { access: OPERATORS },
    schema: {
      tags: ['alerts'],
      summary: 'Send a message that says that it is a test, and tell what came of it',
      params: receiverParams,
      response: { 200: receiverTestAnswer },
    },
    handler: async ({ params: { receiver }, principal }) => {
      const results = await notification.testReceiver(receiver, principal.name);
      return {
        receiver,
        results: results.map(({ key, delivery }) => ({
          integration: key,
          outcome: delivery.outcome,
          answer: delivery.outcome === 'delivered' ? delivery.answer : delivery.reason,
          failure: delivery.outcome === 'failed' ? delivery.failure : null,
        })),
      };
    },
  });
}

function viewOfListed({ message, groupKey, alertIds, alertName, alerts }: ListedMessage): MessageView {
  return {
    ...viewOfMessage(message),
    group_key: groupKey,
    alert_ids: [...alertIds],
    alert_name: alertName,
    alerts,
  };
}

function viewOfMessage(message: Message): z.input<typeof explainAnswer>['messages'][number] {
  return {
    notification_id: message.notificationId,
    receiver: message.receiver,
    integration: message.integration,
    reason: message.reason,
    state: message.state,
    attempts: message.attempts,
    created_at: toRfc3339(message.createdAtMs),
    next_attempt_at: toRfc3339OrNull(message.nextAttemptAtMs),
    given_up_at: toRfc3339OrNull(message.givenUpAtMs),
    finished_at: toRfc3339OrNull(message.finishedAtMs),
    answer: message.answer,
    failure: message.failure,
    held_until: toRfc3339OrNull(message.heldUntilMs),
    digest_id: message.digestId,
  };
}
