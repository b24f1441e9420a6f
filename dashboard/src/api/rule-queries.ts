import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { HISTORY_RANGES, ruleParams, type HistoryRange, type RuleSearch } from '../domain/rule-filter.ts';
import type { ApiClient } from './client.ts';
import type { Rule, RuleAnswer, RuleHistoryAnswer, RulesAnswer } from './wire.ts';

const fastMs = 5_000;
const slowMs = 15_000;
/** What the server gives at once. */
const maxRows = 1_000;

/** A rule with the group that it stands in. */
export interface RuleInGroup {
  readonly rule: Rule;
  readonly group: string;
  readonly file: string;
}

export interface RulesReading {
  readonly rules: readonly RuleInGroup[];
  readonly counts: RulesAnswer['counts'];
  readonly isWhole: boolean;
}

/** The rules of a choice. */
export const rulesQuery = (client: ApiClient, search: RuleSearch, rows: number) =>
  queryOptions({
    queryKey: ['alerts', 'rules', search, rows],
    queryFn: async (): Promise<RulesReading> => {
      const asked = ruleParams(search);
      asked.set('limit', String(Math.min(rows, maxRows)));
      const {
        groups,
        counts,
        next_cursor: next,
      } = await client.get<RulesAnswer>(`/api/v1/alerts/rules?${asked}`);
      const rules = groups.flatMap(({ name: group, file, rules: some }) =>
        some.map((rule) => ({ rule, group, file })),
      );
      return { rules, counts, isWhole: next === null };
    },
    refetchInterval: fastMs,
    placeholderData: keepPreviousData,
  });

const pathOf = (ruleKey: string): string => `/api/v1/alerts/rules/${encodeURIComponent(ruleKey)}`;

export const ruleQuery = (client: ApiClient, ruleKey: string) =>
  queryOptions({
    queryKey: ['alerts', 'rule', ruleKey],
    queryFn: () => client.get<RuleAnswer>(pathOf(ruleKey)),
    refetchInterval: fastMs,
  });

/** When a rule fired, until now. */
export const ruleHistoryQuery = (client: ApiClient, ruleKey: string, range: HistoryRange) =>
  queryOptions({
    queryKey: ['alerts', 'rule-history', ruleKey, range],
    queryFn: () => {
      const from = new Date(client.nowMs() - HISTORY_RANGES[range]).toISOString();
      return client.get<RuleHistoryAnswer>(`${pathOf(ruleKey)}/history?from=${from}`);
    },
    refetchInterval: slowMs,
    placeholderData: keepPreviousData,
  });
