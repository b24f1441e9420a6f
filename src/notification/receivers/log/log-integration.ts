import { labelValue, severityRank, type Logger } from '#telemetry';
import { statusOfMessage, type Message } from '../../message.ts';
import type { Integration } from '../integration.ts';

/** A line names so many alerts. */
export const maxNamedAlerts = 20;
const ERROR = severityRank('error');

/** Writes messages into Omoi's own log: what counts where no receiver is configured. */
export function createLogIntegration(logger: Logger): Integration {
  return {
    type: 'log',
    index: 0,
    sendResolved: true,
    maxAlerts: maxNamedAlerts,
    timeoutMs: 10_000,
    send(message) {
      const level = isGrave(message) ? 'error' : 'warn';
      logger[level](
        {
          group: message.groupKey,
          reason: message.reason,
          alerts: message.alerts.map(({ alertId, labels, status }) => ({
            id: alertId,
            alertname: labelValue(labels, 'alertname'),
            status,
          })),
          more: message.truncatedAlerts,
        },
        `Alert ${statusOfMessage(message)}: ${message.note ?? 'nobody is told, since no receiver is configured'}`,
      );
      return Promise.resolve({ outcome: 'delivered', answer: 'written to the log' });
    },
  };
}

function isGrave({ alerts }: Message): boolean {
  return alerts.some(
    ({ status, labels }) => status === 'firing' && severityRank(labelValue(labels, 'severity')) >= ERROR,
  );
}
