import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { HISTORY_RANGES, ruleParams, type HistoryRange, type RuleSearch } from '../domain/rule-filter.ts';
import type { ApiClient } from './client.ts';
import type {
  Rule,
  RuleAnswer,
  RuleCheckAnswer,
  RuleHistoryAnswer,
  RulePreviewAnswer,
  RulesAnswer,
  RuleSourceAnswer,
} from './wire.ts';

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
      const rules: RuleInGroup[] = [];
      for (;;) {
        asked.set('limit', String(Math.min(rows - rules.length, maxRows)));
        const answer = await client.get<RulesAnswer>(`/api/v1/alerts/rules?${asked}`);
        for (const { name: group, file, rules: some } of answer.groups)
          rules.push(...some.map((rule) => ({ rule, group, file })));
        const { counts, next_cursor: next } = answer;
        if (next === null || rules.length >= rows) return { rules, counts, isWhole: next === null };
        asked.set('cursor', next);
      }
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

/** A rule as it is written; it is read once, so that nothing changes under who edits it. */
export const ruleSourceQuery = (client: ApiClient, ruleKey: string) =>
  queryOptions({
    queryKey: ['rule-source', ruleKey],
    queryFn: () => client.get<RuleSourceAnswer>(`${pathOf(ruleKey)}/source`),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** What is wrong with a rule as it is written. */
export const ruleCheckQuery = (client: ApiClient, ruleKey: string, source: string) =>
  queryOptions({
    queryKey: ['rule-check', ruleKey, source],
    queryFn: () => client.post<RuleCheckAnswer>('/api/v1/alerts/rules/check', { source, rule_key: ruleKey }),
    staleTime: slowMs,
    placeholderData: keepPreviousData,
  });

/** What a rule as it is written would have done in the last six hours, beside what it did. */
export function previewRule(client: ApiClient, ruleKey: string, source: string): Promise<RulePreviewAnswer> {
  return client.post('/api/v1/alerts/rules/preview', { source, rule_key: ruleKey });
}

/** Saves a rule in its file, and has the files taken over. */
export function saveRule(
  client: ApiClient,
  ruleKey: string,
  { source, fileHash }: { readonly source: string; readonly fileHash: string },
): Promise<unknown> {
  return client.put(`${pathOf(ruleKey)}/source`, { source, file_hash: fileHash });
}
