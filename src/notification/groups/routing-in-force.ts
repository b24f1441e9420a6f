import type { RunningIntegration } from '../outbox/running-integration.ts';
import type { Router } from '../ports.ts';
import type { MuteStage } from '../stages/mute-stage.ts';

/** What a configuration decides of the way of an alert. */
export interface RoutingInForce {
  readonly router: Router;
  readonly stages: readonly MuteStage[];
  /** Whether one of the routes holds alerts back while the watchdog repairs. */
  readonly holds: boolean;
  /** Of a receiver, or of whoever is on call in its place, now or at another time; none where it has none. */
  integrationsOf(receiver: string, wallMs?: number): readonly RunningIntegration[];
  /** Of any receiver: the one of this key, or one of another name that reaches the same address since a reload; null where there is none. */
  integrationByKey(key: string): RunningIntegration | null;
}
