import { PageCursors, Stretch, type ActiveAlertState } from '#telemetry';
import {
  activeOf,
  groupOverview,
  ruleOverview,
  type GroupOverview,
  type OverviewContext,
  type RuleOverview,
} from './overview.ts';
import type { LoadedRules } from './rules/loaded-rules.ts';
import type { RuleState } from './state/rule-state.ts';

/** Of an alerting rule: what most is of its label sets. */
export type RuleActivity = ActiveAlertState | 'inactive';

/** `place`: as they stand in their files; else the highest first. */
export type RuleOrder = 'place' | 'cost' | 'delay' | 'duration';

export interface RuleListQuery {
  /** Null: from the first on. */
  readonly cursor: string | null;
  readonly limit: number;
  readonly order: RuleOrder;
  readonly activity: RuleActivity | null;
  readonly health: RuleOverview['statistics']['health'] | null;
  readonly kind: RuleOverview['kind'] | null;
  readonly file: string | null;
  readonly group: string | null;
  /** Stands in the name, the group, the expression or a label. */
  readonly text: string | null;
}

/** How many rules there are of each kind, whatever is asked for. */
export interface RuleCounts {
  readonly all: number;
  readonly alerting: number;
  readonly recording: number;
  readonly firing: number;
  readonly pending: number;
  readonly failing: number;
}

export interface RuleList {
  /** A group whose rules don't follow each other in the list is there several times. */
  readonly groups: readonly GroupOverview[];
  readonly counts: RuleCounts;
  /** Null where no more follow; rules that are not in the order of their files are one page. */
  readonly nextCursor: string | null;
}

const cursors = new PageCursors('rules', {});

/**
 * The rules that fit, in stretches that let others have the event loop: each is looked at, those of the page alone are told whole.
 * @throws OmoiError `invalid_cursor`, also where the rule that it names is not loaded any more
 */
export async function listRules(
  { groups, states }: Pick<LoadedRules, 'groups' | 'states'>,
  query: RuleListQuery,
  context: OverviewContext,
): Promise<RuleList> {
  const after = query.cursor === null ? null : cursors.placeOf(query.cursor);
  if (query.cursor !== null && (after === null || !states.has(after)))
    throw cursors.refused(query.cursor, 'names a rule that is not loaded any more');
  const stretch = new Stretch(context.clock);
  const counts = { all: 0, alerting: 0, recording: 0, firing: 0, pending: 0, failing: 0 };
  const fitting: RuleState[] = [];
  let isBehind = after === null;
  for (const state of states.values()) {
    if (stretch.isOver) await stretch.pause();
    const activity = activityOf(state);
    count(counts, state, activity);
    if (isBehind && fits(state, activity, query)) fitting.push(state);
    if (state.key === after) isBehind = true;
  }
  const { order } = query;
  if (order !== 'place') {
    const rank = (state: RuleState): number => rankOf(state, order, context);
    fitting.sort((one, other) => rank(other) - rank(one));
  }
  const page = fitting.slice(0, query.limit);
  const last = page.at(-1);
  const isMore = order === 'place' && fitting.length > page.length;
  return {
    groups: inGroups(page, groups, context),
    counts,
    nextCursor: isMore && last ? cursors.at(last.key) : null,
  };
}

function activityOf(state: RuleState): RuleActivity {
  const { firing, pending } = activeOf(state);
  return firing > 0 ? 'firing' : pending > 0 ? 'pending' : 'inactive';
}

function count(
  counts: { -readonly [Key in keyof RuleCounts]: number },
  state: RuleState,
  activity: RuleActivity,
): void {
  counts.all++;
  counts[state.definition.rule.kind]++;
  if (activity !== 'inactive') counts[activity]++;
  if (state.health.health === 'err') counts.failing++;
}

function fits(state: RuleState, activity: RuleActivity, query: RuleListQuery): boolean {
  const { rule, group } = state.definition;
  return (
    (query.activity === null || (rule.kind === 'alerting' && activity === query.activity)) &&
    (query.health === null || state.health.health === query.health) &&
    (query.kind === null || rule.kind === query.kind) &&
    (query.file === null || group.file === query.file) &&
    (query.group === null || group.name === query.group) &&
    (query.text === null || holds(state, query.text.toLowerCase()))
  );
}

function holds({ definition: { rule, group } }: RuleState, text: string): boolean {
  const has = (one: string): boolean => one.toLowerCase().includes(text);
  if (has(rule.id) || has(rule.expr) || has(group.file)) return true;
  for (const [name, value] of rule.kind === 'alerting' ? rule.labels : Object.entries(rule.labels)) {
    if (has(`${name}=${typeof value === 'string' ? value : value.text}`)) return true;
  }
  return false;
}

function rankOf(state: RuleState, order: Exclude<RuleOrder, 'place'>, { paceOf }: OverviewContext): number {
  const { costMs, lastDelayMs, lastDurationMs } = paceOf(state);
  switch (order) {
    case 'cost':
      return costMs;
    case 'delay':
      return lastDelayMs;
    case 'duration':
      return lastDurationMs;
  }
}

function inGroups(
  page: readonly RuleState[],
  groups: LoadedRules['groups'],
  context: OverviewContext,
): readonly GroupOverview[] {
  const written = new Map(groups.map((group) => [`${group.file}\0${group.name}`, group]));
  const found: { -readonly [Key in keyof GroupOverview]: GroupOverview[Key] }[] = [];
  let before: string | null = null;
  for (const state of page) {
    const { group } = state.definition;
    const place = `${group.file}\0${group.name}`;
    const last = found.at(-1);
    if (last && place === before) last.rules = [...last.rules, ruleOverview(state, context)];
    else found.push(groupOverview(written.get(place) ?? group, [ruleOverview(state, context)], context));
    before = place;
  }
  return found;
}
