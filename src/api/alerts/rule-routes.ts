import type { Alerting } from '#alerting';
import { OmoiError, toRfc3339, toRfc3339OrNull, type Clock, type PolicyMode } from '#telemetry';
import { READERS } from '../access/roles.ts';
import type { ApiApp } from '../http/app.ts';
import { jsonOf, jsonOfElements, jsonOfFields, jsonOfList, mapped } from '../http/json-pieces.ts';
import { sendPieces } from '../http/pieces.ts';
import {
  ruleAnswer,
  ruleHistoryAnswer,
  ruleHistoryQuery,
  ruleParams,
  rulesAnswer,
  rulesQuery,
} from './rule-schemas.ts';
import { jsonOfGroup, viewOfEpisode, viewOfGroup, viewOfRule } from './rule-view.ts';

interface NamedRule {
  readonly key: string;
  readonly id: string;
}

/** What a rule stands on, and what stands on it. */
export interface RuleRelations {
  readonly comparison: string | null;
  readonly threshold: number | null;
  readonly valueQuery: string | null;
  readonly reachMs: number;
  readonly reads: readonly {
    readonly selector: string;
    readonly series: number;
    readonly isCut: boolean;
    /** Wall ms; null where there is none. */
    readonly newestSampleMs: number | null;
  }[];
  readonly senders: {
    readonly names: readonly string[];
    readonly count: number;
    readonly isCut: boolean;
    readonly isAnonymous: boolean;
  };
  readonly policies: readonly { readonly name: string; readonly mode: PolicyMode }[];
  readonly recordedBy: readonly NamedRule[];
  readonly readBy: readonly NamedRule[];
}

export interface RuleRouteParts {
  readonly alerting: Pick<Alerting, 'listRules' | 'ruleOverview' | 'ruleHistory'>;
  /** Null where the rule is not loaded. */
  readonly relationsOf: (ruleKey: string) => Promise<RuleRelations | null>;
  readonly clock: Pick<Clock, 'wallMs'>;
}

const DAY_MS = 86_400_000;

/** `/api/v1/alerts/rules`: what is loaded, how it does, what it stands on. */
export function registerRuleRoutes(app: ApiApp, parts: RuleRouteParts): void {
  registerList(app, parts);
  registerOne(app, parts);
  registerHistory(app, parts);
}

function registerList(app: ApiApp, { alerting }: RuleRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/rules',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'The rules that are loaded, and how they do',
      querystring: rulesQuery,
      response: { 200: rulesAnswer },
    },
    handler: async ({ query }, reply) => {
      const page = await alerting.listRules({
        cursor: query.cursor ?? null,
        limit: query.limit,
        order: query.sort,
        activity: query.state ?? null,
        health: query.health ?? null,
        kind: query.kind ?? null,
        file: query.file ?? null,
        group: query.group ?? null,
        text: query.text ?? null,
      });
      const rules = jsonOfFields([
        ['groups', jsonOfElements(mapped(page.groups, jsonOfGroup))],
        ['counts', jsonOf(page.counts)],
        ['next_cursor', jsonOf(page.nextCursor)],
      ]);
      return sendPieces(reply.type('application/json'), rules);
    },
  });
}

function registerOne(app: ApiApp, { alerting, relationsOf }: RuleRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/rules/:rule_key',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary:
        'One rule: how it does, what it reads and who sends that, which policies and rules stand on it',
      params: ruleParams,
      response: { 200: ruleAnswer },
    },
    handler: async ({ params: { rule_key: key } }) => {
      const relations = await relationsOf(key);
      const group = alerting.ruleOverview(key);
      const [rule] = group?.rules ?? [];
      if (!group || !rule || !relations) throw notLoaded(key);
      const { senders } = relations;
      return {
        rule: viewOfRule(rule),
        group: viewOfGroup(group),
        comparison: relations.comparison,
        threshold: relations.threshold,
        value_query: relations.valueQuery,
        reach_ms: relations.reachMs,
        reads: relations.reads.map(({ selector, series, isCut, newestSampleMs }) => ({
          selector,
          series,
          at_least: isCut,
          newest_sample: toRfc3339OrNull(newestSampleMs),
        })),
        senders: {
          names: [...senders.names],
          count: senders.count,
          at_least: senders.isCut,
          anonymous: senders.isAnonymous,
        },
        policies: [...relations.policies],
        recorded_by: relations.recordedBy.map(viewOfNamed),
        read_by: relations.readBy.map(viewOfNamed),
      };
    },
  });
}

function registerHistory(app: ApiApp, { alerting, clock }: RuleRouteParts): void {
  app.route({
    method: 'GET',
    url: '/api/v1/alerts/rules/:rule_key/history',
    config: { access: READERS },
    schema: {
      tags: ['alerts'],
      summary: 'When a rule fired: its episodes that reach into a span of time',
      params: ruleParams,
      querystring: ruleHistoryQuery,
      response: { 200: ruleHistoryAnswer },
    },
    handler: async ({ params: { rule_key: key }, query }, reply) => {
      const toMs = query.to ?? clock.wallMs();
      const fromMs = query.from ?? toMs - DAY_MS;
      if (fromMs >= toMs) throw new OmoiError('invalid_request', 'from: has to be before `to`', {});
      const history = await alerting.ruleHistory(key, { fromMs, toMs });
      if (!history) throw notLoaded(key);
      const pieces = jsonOfFields([
        ['from', jsonOf(toRfc3339(fromMs))],
        ['to', jsonOf(toRfc3339(toMs))],
        ['episodes', jsonOfList(mapped(history.episodes, viewOfEpisode))],
        ['is_cut', jsonOf(history.isCut)],
      ]);
      return sendPieces(reply.type('application/json'), pieces);
    },
  });
}

function viewOfNamed({ key, id }: NamedRule): { readonly rule_key: string; readonly rule_id: string } {
  return { rule_key: key, rule_id: id };
}

function notLoaded(key: string): OmoiError {
  return new OmoiError(
    'unknown_rule',
    `no rule ${JSON.stringify(key)} is loaded; GET /api/v1/alerts/rules lists them`,
  );
}
