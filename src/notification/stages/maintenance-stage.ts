import type { Labels } from '#telemetry';
import type { MuteStage } from './mute-stage.ts';

/**
 * Of what is being worked on nobody is told that it fires, until the maintenance ends. That it is over is told to whoever knew
 * of it.
 * @param maintenanceOf the id of the maintenance that runs for what the labels are about; null without one
 */
export function maintenanceStage(maintenanceOf: (labels: Labels) => string | null): MuteStage {
  return {
    judge({ endsAtMs, labels }) {
      const maintenanceId = endsAtMs === null ? maintenanceOf(labels) : null;
      if (maintenanceId === null) return null;
      return { stage: 'maintenance', reason: `a maintenance runs for what it is about (${maintenanceId})` };
    },
  };
}
