import type { Stage } from '../stages/mute-stage.ts';

/** What a stage has decided about telling of an alert. */
export interface Decision {
  readonly alertId: string;
  readonly stage: Stage;
  /** One word or two: `routed`, `silenced`, `queued`, `unchanged`. */
  readonly decision: string;
  readonly receiver: string | null;
  readonly notificationId: string | null;
  /** One sentence. */
  readonly reason: string;
}

export interface RecordedDecision extends Decision {
  readonly atMs: number;
}
