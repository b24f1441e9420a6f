import type { Matcher } from '../labels/matcher.ts';

/**
 * Who a series is from, fixed with its first sample: `omoi` (its own collectors), `rule` and `detector` (derived by Omoi
 * from other series, on whose word they rest), `agent:ID`, `pool:ID` (a token bound to it), `token:NAME`, `scrape:JOB`,
 * or `anonymous`.
 */
export type Sender = string;

export const OMOI_SENDER: Sender = 'omoi';
export const RULE_SENDER: Sender = 'rule';
export const DETECTOR_SENDER: Sender = 'detector';
export const ANONYMOUS_SENDER: Sender = 'anonymous';

/** For whom a sender may speak beside itself: a policy acts on these on its word. */
export interface Grant {
  readonly pools: readonly string[];
  readonly agents: readonly string[];
  /** Where there are any: targets whose `agent_id` and `pool_id`, as Omoi knows them, all of these accept. */
  readonly matchers: readonly Matcher[];
}
