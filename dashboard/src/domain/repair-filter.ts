/** Which repairs are shown. */
export interface RepairFilter {
  readonly show: RepairChoice;
  /** Of this policy alone. */
  readonly policy?: string;
  /** Of this agent or pool alone. */
  readonly target?: string;
}

/** Each choice, as the list of remediations is asked for it. */
const CHOICES = {
  all: {},
  approve: { state: 'awaiting_approval' },
  planned: { state: 'planned' },
  acting: { state: 'executing' },
  verifying: { state: 'verifying' },
  'given up': { concern: 'given_up' },
  relapsing: { concern: 'relapsing' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export type RepairChoice = keyof typeof CHOICES;
export const REPAIR_CHOICES = Object.keys(CHOICES) as RepairChoice[];

/** What to ask the server for. */
export function stateOf({ show }: RepairFilter): Readonly<Record<string, string>> {
  return CHOICES[show];
}

/** What the address says of the list of repairs; what it does not say is all of them. */
export interface RepairSearch {
  readonly show?: RepairChoice | undefined;
  readonly policy?: string | undefined;
  readonly target?: string | undefined;
}

/** Reads an address; what it does not understand is left out. */
export function readRepairSearch({ show, policy, target }: Record<string, unknown>): RepairSearch {
  const choice = REPAIR_CHOICES.find((one) => one === show);
  return {
    ...(choice === undefined || choice === 'all' ? {} : { show: choice }),
    ...(typeof policy === 'string' && policy !== '' ? { policy } : {}),
    ...(typeof target === 'string' && target !== '' ? { target } : {}),
  };
}
