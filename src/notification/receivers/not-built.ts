import type { GaugePoint } from '#telemetry';
import type { NotificationConfiguration } from '../configuration/notification-configuration.ts';

/** The kinds of integrations that receivers name and Omoi does not send to: what the rule `ReceiverNotBuilt` fires on. */
export function notBuiltOf({
  receivers,
}: Pick<NotificationConfiguration, 'receivers'>): readonly GaugePoint[] {
  return [...receivers.values()].flatMap(({ name: receiver, integrations }) => {
    const types = new Set(integrations.flatMap(({ kind }) => (kind.create ? [] : [kind.type])));
    return [...types].map((type): GaugePoint => ({ labels: { receiver, type }, value: 1 }));
  });
}
