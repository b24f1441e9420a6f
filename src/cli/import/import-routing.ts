import { dirname, resolve } from 'node:path';
import type { NotificationConfiguration, Route } from '#notification';
import type { DocumentSource } from '#telemetry';
import { readRoutingText } from '../routing/routing-file.ts';
import { counted, type ImportFinding } from './finding.ts';

/** `alertmanager.yml:6:7: …` */
const PLACED = /^(?:.*?):(\d+:\d+): (.*)$/s;

/**
 * What becomes of an Alertmanager configuration.
 * @throws OmoiError `routing_invalid` naming every mistake with its place
 */
export async function importRouting(source: DocumentSource): Promise<readonly ImportFinding[]> {
  const configuration = await readRoutingText({ ...source, directory: dirname(resolve(source.name)) });
  const { route, receivers, inhibitRules, timeIntervals, warnings } = configuration;
  const counts = [
    counted(routesIn(route), 'route'),
    counted(receivers.size, 'receiver'),
    counted(inhibitRules.length, 'inhibit rule'),
    counted(timeIntervals.size, 'time interval'),
  ];
  return [
    { verdict: 'runs', place: null, message: counts.join(', ') },
    ...warnings.map(placed),
    ...afterSilence(configuration),
  ];
}

function routesIn({ routes }: Route): number {
  return routes.reduce((sum, route) => sum + routesIn(route), 1);
}

function placed(warning: string): ImportFinding {
  const [, place = null, message = warning] = PLACED.exec(warning) ?? [];
  return { verdict: 'differs', place, message };
}

/** What holds for every configuration, and is felt by its receivers. */
function afterSilence({ receivers }: Pick<NotificationConfiguration, 'receivers'>): readonly ImportFinding[] {
  const integrations = [...receivers.values()].flatMap((receiver) => receiver.integrations);
  if (integrations.length === 0) return [];
  return [
    {
      verdict: 'differs',
      place: null,
      message:
        'people are told more: what came and went between two messages, and what is over under a silence (docs/alerting/routing.md)',
    },
  ];
}
