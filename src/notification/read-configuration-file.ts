import type { ConfigurationSource, ConfigurationTools } from './configuration/read-configuration.ts';
import type { NotificationConfiguration } from './configuration/notification-configuration.ts';

/**
 * As `readNotificationConfiguration` does, with every receiver that is built. What reads it is loaded when it is called: a
 * server without such a file does without it.
 * @throws OmoiError `routing_invalid`, naming every mistake with its place
 */
export async function readConfigurationFile(
  source: ConfigurationSource,
  tools: Omit<ConfigurationTools, 'kinds'>,
): Promise<NotificationConfiguration> {
  const [{ readNotificationConfiguration }, { RECEIVER_KINDS: kinds }] = await Promise.all([
    import('./configuration/read-configuration.ts'),
    import('./receivers/receiver-kinds.ts'),
  ]);
  return readNotificationConfiguration(source, { ...tools, kinds });
}
