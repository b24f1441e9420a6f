export interface Routing {
  /** `0s` */
  readonly groupWait: string;
  /** A label by which alerts are told of together; `...`: each by itself. */
  readonly groupBy: string;
  readonly good: string;
  /** One that gets everything as well, and never answers; null: there is none. */
  readonly hung: string | null;
}

/** A configuration for Omoi and Alertmanager alike. */
export function routingText({ groupWait, groupBy, good, hung }: Routing): string {
  const toHung = hung === null ? '' : '\n  routes: [{ receiver: hung, continue: true }, { receiver: good }]';
  const receiver = (name: string, url: string): string =>
    `\n  - { name: ${name}, webhook_configs: [{ url: '${url}', max_alerts: 0, send_resolved: false }] }`;
  return `route:
  receiver: good
  group_by: ['${groupBy}']
  group_wait: ${groupWait}
  group_interval: 1s
  repeat_interval: 4h${toHung}
receivers:${receiver('good', good)}${hung === null ? '' : receiver('hung', hung)}
`;
}

/** The rule of Omoi and Prometheus alike: one alert for each unit that is in trouble. */
export function ruleText(intervalText: string): string {
  return `groups:
  - name: bench
    interval: ${intervalText}
    rules:
      - alert: UnitTrouble
        expr: unit_trouble > 0
        labels: { severity: error }
        annotations: { summary: '{{ $labels.unit }} is in trouble ({{ $value }})' }
`;
}
