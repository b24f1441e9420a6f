import type { Labels, SystemEvent } from '#telemetry';

/** The ids of the agents that beat, fall silent and beat again. */
export const AGENT_PREFIX = 'bench-agent-';

/** By alert name, `NAME of the fleet` for those of the bench's agents: how many episodes began and ended. By policy: remediations begun, and held back at least once. */
export interface Counts {
  readonly triggered: Readonly<Record<string, number>>;
  readonly resolved: Readonly<Record<string, number>>;
  readonly started: Readonly<Record<string, number>>;
  readonly suppressed: Readonly<Record<string, number>>;
}

export class EventCounts {
  readonly #counts = {
    triggered: new Map<string, number>(),
    resolved: new Map<string, number>(),
    started: new Map<string, number>(),
    suppressed: new Map<string, Set<string>>(),
  };

  add(event: SystemEvent): void {
    const { triggered, resolved, started, suppressed } = this.#counts;
    const { event_type: type } = event;
    if (type === 'monitor.alert.triggered') increment(triggered, nameOf(event.payload.labels));
    if (type === 'monitor.alert.resolved') increment(resolved, nameOf(event.payload.labels));
    if (type === 'watchdog.remediation.started') increment(started, event.payload.policy);
    if (type === 'watchdog.remediation.suppressed') {
      const { policy, alert_id: alertId } = event.payload;
      suppressed.set(policy, (suppressed.get(policy) ?? new Set()).add(alertId));
    }
  }

  all(): Counts {
    const { triggered, resolved, started, suppressed } = this.#counts;
    return {
      triggered: Object.fromEntries(triggered),
      resolved: Object.fromEntries(resolved),
      started: Object.fromEntries(started),
      suppressed: Object.fromEntries(Array.from(suppressed, ([policy, alerts]) => [policy, alerts.size])),
    };
  }
}

function nameOf({ alertname = '', agent_id: agentId = '' }: Labels): string {
  return agentId.startsWith(AGENT_PREFIX) ? `${alertname} of the fleet` : alertname;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
