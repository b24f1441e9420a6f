/** How it stands with a pool whose replicas are brought to a changed definition. */
export const ROLL_STATES = ['rolling', 'stopped'] as const;
export type RollState = (typeof ROLL_STATES)[number];
