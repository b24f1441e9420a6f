import { OmoiError } from '#telemetry';
import { RECEIVER_KINDS } from '../receivers/receiver-kinds.ts';
import type { MessageTemplates } from '../templates/message-templates.ts';
import type { NotificationConfiguration } from './notification-configuration.ts';
import { readNotificationConfiguration, type ConfigurationTools } from './read-configuration.ts';

/** Templates as they are written; one that opens and does not close is none. */
const TEMPLATES: MessageTemplates = {
  text: (template) => template,
  html: (template) => template,
  routeLabels: ({ routeLabels }) => routeLabels,
  problemOf: (template) =>
    template.split('{{').length === template.split('}}').length ? null : 'unclosed action',
};

export const TOOLS: ConfigurationTools = {
  kinds: RECEIVER_KINDS,
  files: { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no such file')) },
  createTemplates: () => TEMPLATES,
};

export function read(
  text: string,
  tools: Partial<ConfigurationTools> = {},
): Promise<NotificationConfiguration> {
  return readNotificationConfiguration(
    { name: 'am.yml', text, directory: '/etc/alertmanager' },
    { ...TOOLS, ...tools },
  );
}

/** What is wrong with a file, a line each; none where it is accepted. */
export async function problemsIn(
  text: string,
  tools: Partial<ConfigurationTools> = {},
): Promise<readonly string[]> {
  try {
    await read(text, tools);
    return [];
  } catch (thrown) {
    if (thrown instanceof OmoiError && thrown.code === 'routing_invalid') return thrown.message.split('\n');
    throw thrown;
  }
}

const HEAD = `route:
  receiver: team
receivers:
  - name: team
`;

/** A whole file of a part; the part begins in line 5. */
export function withRoute(part: string): string {
  return HEAD + part;
}
