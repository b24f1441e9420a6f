/** Which tasks are shown. */
export interface TaskFilter {
  readonly state: TaskChoice;
  readonly phase?: string;
}

export const TASK_CHOICES = ['waiting', 'running', 'parked', 'finished'] as const;
export type TaskChoice = (typeof TASK_CHOICES)[number];

/** As the list of tasks is asked; what is finished has a list of its own, the newest end first. */
export const LISTED_STATE = { waiting: 'queued', running: 'claimed', parked: 'parked' } as const;

/** What the address says of the list of tasks; what it does not say is what waits, in any phase. */
export interface TaskSearch {
  readonly state?: TaskChoice | undefined;
  readonly phase?: string | undefined;
}

/** Reads an address; what it does not understand is left out. */
export function readTaskSearch({ state, phase }: Record<string, unknown>): TaskSearch {
  const choice = TASK_CHOICES.find((one) => one === state);
  return {
    ...(choice !== undefined && choice !== 'waiting' ? { state: choice } : {}),
    ...(typeof phase === 'string' && phase !== '' ? { phase: phase.slice(0, 200) } : {}),
  };
}
