import { createHash } from 'node:crypto';
import type { GroupOverview, RuleOverview } from '#alerting';
import { matchesAll, type Matcher } from '#telemetry';
import { readMatcherLists } from './matcher-lists.ts';
import { invalidParameter, type Parameters } from './parameters.ts';

/** Which rules somebody asks for, and which page of their groups. */
export interface RuleFilter {
  readonly kind: RuleOverview['kind'] | null;
  readonly ruleNames: readonly string[];
  readonly groupNames: readonly string[];
  readonly files: readonly string[];
  /** Of the labels as they are written in the rule; one list has to accept them. */
  readonly matcherLists: readonly (readonly Matcher[])[];
  readonly withAlerts: boolean;
  readonly page: { readonly maxGroups: number; readonly token: string } | null;
}

const KINDS = new Map<string, RuleFilter['kind']>([
  ['', null],
  ['alert', 'alerting'],
  ['record', 'recording'],
]);
/** What Go's strconv.ParseBool takes, in lower case. */
const BOOLEANS = new Map([
  ['', false],
  ['0', false],
  ['f', false],
  ['false', false],
  ['1', true],
  ['t', true],
  ['true', true],
]);
const MAX_INT32 = 2 ** 31 - 1;

/** @throws OmoiError `invalid_request`, `query_invalid` for a broken `match[]` */
export function readRuleFilter(
  parameters: Parameters,
  language: { readonly selectorMatchers: (text: string) => readonly Matcher[] },
): RuleFilter {
  const matcherLists = readMatcherLists(parameters, language);
  const type = parameters.text('type').toLowerCase();
  const kind = KINDS.get(type);
  if (kind === undefined) throw invalidParameter('type', `not supported value ${JSON.stringify(type)}`);
  const excludes = parameters.text('exclude_alerts').toLowerCase();
  const withoutAlerts = BOOLEANS.get(excludes);
  if (withoutAlerts === undefined) {
    const problem = `strconv.ParseBool: parsing ${JSON.stringify(excludes)}: invalid syntax`;
    throw invalidParameter('exclude_alerts', `error converting exclude_alerts: ${problem}`);
  }
  return {
    kind,
    ruleNames: parameters.all('rule_name[]'),
    groupNames: parameters.all('rule_group[]'),
    files: parameters.all('file[]'),
    matcherLists,
    withAlerts: !withoutAlerts,
    page: readPage(parameters),
  };
}

function readPage(parameters: Parameters): RuleFilter['page'] {
  const limit = parameters.text('group_limit');
  const token = parameters.text('group_next_token');
  if (limit === '') {
    if (token === '') return null;
    const problem = 'group_limit needs to be present in order to paginate over the groups';
    throw invalidParameter('group_next_token', problem);
  }
  const maxGroups = /^[+-]?\d+$/.test(limit) ? Number(limit) : NaN;
  if (!(Math.abs(maxGroups) <= MAX_INT32)) {
    const reason = Number.isNaN(maxGroups) ? 'invalid syntax' : 'value out of range';
    const problem = `strconv.ParseInt: parsing ${JSON.stringify(limit)}: ${reason}`;
    throw invalidParameter('group_limit', `group_limit needs to be a valid number: ${problem}`);
  }
  if (maxGroups <= 0) throw invalidParameter('group_limit', 'group_limit needs to be greater than 0');
  return { maxGroups, token };
}

export interface FoundGroups {
  readonly groups: readonly GroupOverview[];
  /** Asks for the next page; null where this is the last. */
  readonly nextToken: string | null;
}

/**
 * The groups that have such rules, with these alone, by file and name.
 * @throws OmoiError `invalid_request` where the page begins with a group that is gone
 */
export function filterGroups(all: readonly GroupOverview[], filter: RuleFilter): FoundGroups {
  const { page } = filter;
  const sorted = [...all].sort((a, b) => compare(a.file, b.file) || compare(a.name, b.name));
  const start =
    page === null || page.token === '' ? 0 : sorted.findIndex((group) => tokenOf(group) === page.token);
  if (start < 0) {
    const problem = `invalid group_next_token '${page?.token}'. were rule groups changed?`;
    throw invalidParameter('group_next_token', problem);
  }
  const groups = sorted
    .slice(start)
    .filter((group) => accepts(filter.groupNames, group.name) && accepts(filter.files, group.file))
    .map((group) => ({ ...group, rules: group.rules.filter((rule) => isWanted(rule, filter)) }))
    .filter(({ rules }) => rules.length > 0);
  const next = page === null ? undefined : groups[page.maxGroups];
  return {
    groups: page === null ? groups : groups.slice(0, page.maxGroups),
    nextToken: next ? tokenOf(next) : null,
  };
}

function isWanted(rule: RuleOverview, { kind, ruleNames, matcherLists }: RuleFilter): boolean {
  return (
    (kind === null || kind === rule.kind) &&
    accepts(ruleNames, rule.name) &&
    (matcherLists.length === 0 || matcherLists.some((matchers) => matchesAll(matchers, rule.labels)))
  );
}

function accepts(wanted: readonly string[], name: string): boolean {
  return wanted.length === 0 || wanted.includes(name);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Prometheus's own, so that a page may be asked for behind a restart. */
function tokenOf({ file, name }: GroupOverview): string {
  return createHash('sha256').update(`${file};${name}`).digest('hex');
}
