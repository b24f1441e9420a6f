/** Which rules are shown, and in which order; what the address does not say is all of them, as they stand in their files. */
export interface RuleSearch {
  readonly show?: Exclude<RuleChoice, 'all'> | undefined;
  /** What stands in the name, the group, the expression, the file or a label. */
  readonly text?: string | undefined;
  readonly sort?: Exclude<RuleOrder, 'place'> | undefined;
}

/** Each choice, as the list of rules is asked for it. */
const CHOICES = {
  all: {},
  firing: { state: 'firing' },
  pending: { state: 'pending' },
  failing: { health: 'err' },
  recording: { kind: 'recording' },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export type RuleChoice = keyof typeof CHOICES;
export const RULE_CHOICES = Object.keys(CHOICES) as RuleChoice[];

export const RULE_ORDERS = ['place', 'cost', 'delay'] as const;
export type RuleOrder = (typeof RULE_ORDERS)[number];

/** Reads an address; what it does not understand is left out. */
export function readRuleSearch({ show, text, sort }: Record<string, unknown>): RuleSearch {
  const choice = RULE_CHOICES.find((one) => one === show);
  const order = RULE_ORDERS.find((one) => one === sort);
  return {
    ...(choice === undefined || choice === 'all' ? {} : { show: choice }),
    ...(typeof text === 'string' && text !== '' ? { text: text.slice(0, 500) } : {}),
    ...(order === undefined || order === 'place' ? {} : { sort: order }),
  };
}

/** What to ask the server for. */
export function ruleParams({ show, text, sort }: RuleSearch): URLSearchParams {
  return new URLSearchParams({ ...CHOICES[show ?? 'all'], ...(text && { text }), ...(sort && { sort }) });
}

export const HISTORY_RANGES = { '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 } as const;
export type HistoryRange = keyof typeof HISTORY_RANGES;
export const HISTORY_RANGE_NAMES: HistoryRange[] = ['24h', '7d', '30d'];

export interface RuleViewSearch {
  /** How much of its past is shown. */
  readonly history?: Exclude<HistoryRange, '24h'> | undefined;
}

export function readRuleViewSearch({ history }: Record<string, unknown>): RuleViewSearch {
  const chosen = HISTORY_RANGE_NAMES.find((one) => one === history);
  return chosen === undefined || chosen === '24h' ? {} : { history: chosen };
}
