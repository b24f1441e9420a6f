import { OmoiError } from '#telemetry';
import { RECEIVER_KINDS } from '../receivers/receiver-kinds.ts';
import type { NotificationConfiguration } from './notification-configuration.ts';
import { readNotificationConfiguration, type ConfigurationTools } from './read-configuration.ts';

const TOOLS: ConfigurationTools = {
  kinds: RECEIVER_KINDS,
  files: { list: () => Promise.resolve([]), read: () => Promise.reject(new Error('no such file')) },
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
