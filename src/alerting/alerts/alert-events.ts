import { parseLabels, type Labels } from '#telemetry';
import type { StateTables } from '#storage';
import type { Selectable } from 'kysely';

type Told = Pick<Selectable<StateTables['alerts']>, 'id' | 'rule_id' | 'severity' | 'labels' | 'traceparent'>;

/** Which alert an event is about. */
export function aboutAlert({ id, traceparent }: Told): {
  readonly entity_type: 'alert';
  readonly entity_id: string;
  readonly traceparent: string | null;
} {
  return { entity_type: 'alert', entity_id: id, traceparent };
}

/** What the payload of every event about an alert says of it. */
export function alertFacts({ id, rule_id, severity, labels }: Told): {
  readonly alert_id: string;
  readonly rule_id: string;
  readonly severity: string;
  readonly labels: Labels;
} {
  return { alert_id: id, rule_id, severity, labels: parseLabels(labels) };
}
