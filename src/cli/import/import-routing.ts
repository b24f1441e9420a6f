import { dirname, resolve } from 'node:path';
import type { NotificationConfiguration } from '#notification';
import type { DocumentSource } from '#telemetry';
import { contentsOf, contentsText } from '../routing/contents.ts';
import { readRoutingText } from '../routing/routing-file.ts';
import { findingOf, type ImportFinding } from './finding.ts';

/**
 * What becomes of an Alertmanager configuration.
 * @throws OmoiError `routing_invalid` naming every mistake with its place
 */
export async function importRouting(source: DocumentSource): Promise<readonly ImportFinding[]> {
  const configuration = await readRoutingText({ ...source, directory: dirname(resolve(source.name)) });
  return [
    { verdict: 'runs', place: null, message: contentsText(contentsOf(configuration)) },
    ...configuration.warnings.map((warning) => findingOf('differs', warning)),
    ...toldMore(configuration),
  ];
}

/** What holds for every configuration, and is felt by its receivers. */
function toldMore({ receivers }: Pick<NotificationConfiguration, 'receivers'>): readonly ImportFinding[] {
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
