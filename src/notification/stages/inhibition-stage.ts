import type { Inhibition } from '../inhibition/inhibitor.ts';
import type { MuteStage } from './mute-stage.ts';
import type { TrackedAlert } from '../groups/tracked-alert.ts';

/** An alert that fires, while another one inhibits it. */
export function inhibitionStage(inhibitedBy: (alert: TrackedAlert) => Inhibition | null): MuteStage {
  return {
    judge(alert) {
      if (alert.endsAtMs !== null) return null;
      const inhibition = inhibitedBy(alert);
      if (!inhibition) return null;
      const { rule, sourceAlertId } = inhibition;
      const by = rule.name === '' ? 'an inhibit rule' : `the inhibit rule "${rule.name}"`;
      return { stage: 'inhibition', reason: `inhibited by the alert ${sourceAlertId}, by ${by}` };
    },
  };
}
