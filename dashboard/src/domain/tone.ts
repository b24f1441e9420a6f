/** What a thing's state feels like. Colours follow from it, and from nothing else; text always says it too. */
export const TONES = ['good', 'calm', 'busy', 'caution', 'bad', 'repair', 'gone'] as const;
export type Tone = (typeof TONES)[number];

/** The tone of an agent's status, or of a time that it was well (`WELL`); an unknown one is shown as it is, without alarm. */
export function agentTone(status: string): Tone {
  switch (status) {
    case 'RUNNING':
    case 'WELL':
      return 'good';
    case 'IDLE':
      return 'calm';
    case 'SPAWNING':
      return 'busy';
    case 'DEGRADED':
      return 'caution';
    case 'STALLED':
    case 'UNRESPONSIVE':
    case 'FAILED':
      return 'bad';
    case 'QUARANTINED':
      return 'repair';
    default:
      return 'gone';
  }
}

/** A severity that is no severity of Omoi’s ranks as warning. */
export function severityTone(severity: string): Tone {
  switch (severity) {
    case 'critical':
    case 'error':
      return 'bad';
    case 'info':
      return 'busy';
    default:
      return 'caution';
  }
}

/** From most to least severe. */
export function severityRank(severity: string): number {
  const rank = ['critical', 'error', 'warning', 'info'].indexOf(severity);
  return rank === -1 ? 2 : rank;
}

/** The tone of where a remediation stands: its outcome once it has one, else its state. */
export function remediationTone(state: string, outcome: string | null): Tone {
  switch (outcome ?? state) {
    case 'healed':
      return 'good';
    case 'relapsed':
    case 'no_effect':
    case 'awaiting_approval':
      return 'caution';
    case 'worsened':
    case 'failed':
    case 'escalated':
    case 'unknown':
      return 'bad';
    case 'cancelled':
      return 'gone';
    default:
      return 'repair';
  }
}

/** The tone of a task's state; an unknown one is shown as it is. */
export function taskTone(state: string): Tone {
  switch (state) {
    case 'claimed':
      return 'busy';
    case 'completed':
      return 'good';
    case 'parked':
    case 'failed':
      return 'bad';
    default:
      return 'gone';
  }
}

/** The tone of where a message stands. */
export function messageTone(state: 'pending' | 'delivered' | 'failed' | 'superseded'): Tone {
  switch (state) {
    case 'pending':
      return 'caution';
    case 'delivered':
      return 'good';
    case 'failed':
      return 'bad';
    case 'superseded':
      return 'gone';
  }
}
