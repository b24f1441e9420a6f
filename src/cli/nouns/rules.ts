import { OmoiError } from '#telemetry';
import { z } from 'zod';
import { clientForNamed } from '../named-client.ts';
import { readPages } from '../read-pages.ts';
import { clientOf, serverOf, type FollowFlags, type ServerClient } from '../server-client.ts';
import { ageOf, glanceOf } from '../terminal/ages.ts';
import { counted } from '../terminal/counted.ts';
import type { Column } from '../terminal/table.ts';
import { fieldsOf } from './orders.ts';
import { showList, showWhole } from './shown.ts';

const PATH = '/api/v1/alerts/rules';
const PAGE_ROWS = 1000;

const shownRule = z.looseObject({
  rule_key: z.string(),
  rule_id: z.string(),
  kind: z.string(),
  name: z.string(),
  state: z.string().nullable(),
  line: z.number(),
  expr: z.string(),
  for_ms: z.number(),
  keep_firing_for_ms: z.number(),
  labels: z.record(z.string(), z.string()),
  health: z.string(),
  last_error: z.string().nullable(),
  last_evaluation: z.string().nullable(),
  cost_ms: z.number(),
  last_duration_ms: z.number(),
  evaluations: z.number(),
  delays: z.number(),
  last_delay_ms: z.number(),
  pending: z.number(),
  firing: z.number(),
});
type ShownRule = z.output<typeof shownRule>;

const shownGroup = z.looseObject({ name: z.string(), file: z.string(), interval_ms: z.number() });
const rulesPage = z.object({
  groups: z.array(shownGroup.extend({ rules: z.array(shownRule) })),
  next_cursor: z.string().nullable(),
});

/** A rule with the group that it stands in. */
interface Row {
  readonly rule: ShownRule;
  readonly group: z.output<typeof shownGroup>;
}

const COLUMNS: readonly Column<ShownRule>[] = [
  {
    heading: 'STATE',
    of: stateOf,
    colourOf: ({ state, health }) =>
      health === 'err' || state === 'firing' ? 'red' : state === 'pending' ? 'yellow' : null,
  },
  { heading: 'RULE', of: (rule) => rule.rule_id, mayShrink: true },
  { heading: 'FIRING', of: (rule) => countText(rule.firing), align: 'right' },
  { heading: 'PENDING', of: (rule) => countText(rule.pending), align: 'right' },
  { heading: 'COST', of: (rule) => millisecondsText(rule.cost_ms), align: 'right' },
  { heading: 'DELAY', of: (rule) => millisecondsText(rule.last_delay_ms), align: 'right' },
  { heading: 'EVALUATED', of: (rule) => ageOf(rule.last_evaluation), align: 'right' },
  { heading: 'NOTE', of: (rule) => rule.last_error ?? '', mayShrink: true },
];

function stateOf({ state, health, kind }: ShownRule): string {
  if (health === 'err') return 'failing';
  return state ?? kind;
}

function countText(count: number): string {
  return count === 0 ? '-' : String(count);
}

function millisecondsText(ms: number): string {
  if (ms === 0) return '-';
  return ms < 10 ? `${ms.toFixed(2)}ms` : ms < 1000 ? `${ms.toFixed(0)}ms` : glanceOf(ms);
}

export interface RuleListFlags extends FollowFlags {
  readonly state?: string;
  readonly health?: string;
  readonly kind?: string;
  readonly group?: string;
  readonly file?: string;
  readonly text?: string;
  readonly sort: string;
  readonly limit: number;
}

/** `omoi rules list` */
export async function listRules(flags: RuleListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  await showList(server, flags, {
    key: 'rules',
    columns: COLUMNS,
    async readAll() {
      const { rows, more } = await readRules(client, flags);
      return { rows: rows.map(({ rule }) => rule), more };
    },
    empty: 'no such rule is loaded',
    more: `there are more than ${flags.limit} rules: --limit shows them`,
    follow: {
      types: ['monitor.alert'],
      idOf({ payload }) {
        const said = z.object({ rule_id: z.string() }).safeParse(payload);
        return said.success ? said.data.rule_id : null;
      },
      async read(ruleId) {
        const { rows } = await readRules(client, { ...flags, text: ruleId, limit: PAGE_ROWS });
        return rows.find(({ rule }) => rule.rule_id === ruleId)?.rule ?? null;
      },
    },
  });
}

function readRules(client: ServerClient, flags: RuleListFlags) {
  const { state, health, kind, group, file, text, sort } = flags;
  const pages = {
    path: PATH,
    query: { state, health, kind, group, file, text, sort },
    maxRows: PAGE_ROWS,
    read(answer: unknown) {
      const { groups, next_cursor: cursor } = rulesPage.parse(answer);
      const rows = groups.flatMap(({ rules, ...of }) => rules.map((rule): Row => ({ rule, group: of })));
      return { rows, next: cursor === null ? null : { cursor } };
    },
  };
  return readPages(client, pages, flags.limit);
}

const namedRules = z.array(z.object({ rule_id: z.string() }));
const wholeRule = z.looseObject({
  rule: shownRule,
  group: shownGroup,
  reach_ms: z.number(),
  reads: z.array(
    z.object({
      selector: z.string(),
      series: z.number(),
      at_least: z.boolean(),
      newest_sample: z.string().nullable(),
    }),
  ),
  senders: z.object({
    names: z.array(z.string()),
    count: z.number(),
    at_least: z.boolean(),
    anonymous: z.boolean(),
  }),
  policies: z.array(z.object({ name: z.string(), mode: z.string() })),
  recorded_by: namedRules,
  read_by: namedRules,
});
type WholeRule = z.output<typeof wholeRule>;

/** `omoi rules show` */
export async function showRule(word: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const key = await keyNamed(client, word);
  await showWhole(flags, {
    ask: () => client.call('GET', `${PATH}/${encodeURIComponent(key)}`),
    linesOf: (answer) => linesOf(wholeRule.parse(answer)),
    types: ['monitor.alert'],
  });
}

/**
 * The key of the rule that a person names: its key, `group/name`, or the name where no other has it.
 * @throws OmoiError `unknown_rule`, `invalid_request` where several are meant
 */
async function keyNamed(client: ServerClient, word: string): Promise<string> {
  const flags = { text: nameIn(word), sort: 'place', limit: Number.POSITIVE_INFINITY };
  const { rows } = await readRules(client, flags);
  const exact = rows.find(({ rule }) => rule.rule_key === word);
  const meant = exact ? [exact] : rows.filter(({ rule }) => rule.rule_id === word || rule.name === word);
  const [one, ...others] = meant;
  if (!one) throw new OmoiError('unknown_rule', `no rule "${word}" is loaded; omoi rules list shows what is`);
  if (others.length > 0) {
    const keys = meant.slice(0, maxNamedKeys).map(({ rule }) => `"${rule.rule_key}"`);
    throw new OmoiError('invalid_request', `"${word}" may be ${keys.join(' or ')}: name one of them`);
  }
  return one.rule.rule_key;
}

const maxNamedKeys = 5;

/** A key may hold what the text of a rule does not. */
function nameIn(word: string): string {
  return word.replace(/[#{].*$/s, '');
}

function linesOf({
  rule,
  group,
  reach_ms: reachMs,
  reads,
  senders,
  ...others
}: WholeRule): readonly string[] {
  return [
    ...fieldsOf([
      ['rule', rule.rule_id],
      ['state', stateOf(rule) + activeText(rule)],
      ['file', `${group.file}:${rule.line}`],
      ['expression', rule.expr.replaceAll(/\s+/g, ' ').trim()],
      ['for', rule.for_ms === 0 ? null : glanceOf(rule.for_ms)],
      ['keep firing for', rule.keep_firing_for_ms === 0 ? null : glanceOf(rule.keep_firing_for_ms)],
      [
        'labels',
        Object.entries(rule.labels)
          .map(([name, value]) => `${name}=${value}`)
          .join(' ') || null,
      ],
      ['interval', glanceOf(group.interval_ms)],
      ['evaluated', `${ageOf(rule.last_evaluation)} ago, ${counted(rule.evaluations, 'time')}`],
      ['cost', `${millisecondsText(rule.cost_ms)}, last ${millisecondsText(rule.last_duration_ms)}`],
      [
        'delay',
        rule.delays === 0
          ? 'never had to wait'
          : `${millisecondsText(rule.last_delay_ms)} the last time, ${counted(rule.delays, 'time')}`,
      ],
      ['error', rule.last_error],
      ['looks back', glanceOf(reachMs)],
    ]),
    'reads:',
    ...reads.map(readText),
    `sent by: ${sendersText(senders)}`,
    ...listText(
      'policies',
      others.policies.map(({ name, mode }) => `${name} (${mode})`),
    ),
    ...listText(
      'recorded by',
      others.recorded_by.map(({ rule_id: id }) => id),
    ),
    ...listText(
      'read by',
      others.read_by.map(({ rule_id: id }) => id),
    ),
  ];
}

function activeText({ firing, pending }: ShownRule): string {
  const parts = [...(firing > 0 ? [`${firing} firing`] : []), ...(pending > 0 ? [`${pending} pending`] : [])];
  return parts.length > 0 ? `: ${parts.join(', ')}` : '';
}

function readText({
  selector,
  series,
  at_least: more,
  newest_sample: newest,
}: WholeRule['reads'][number]): string {
  const age = newest === null ? 'no sample in memory' : `newest ${ageOf(newest)} ago`;
  return `  ${selector}  ${more ? 'more than ' : ''}${counted(series, 'series').replace(/seriess$/, 'series')}, ${age}`;
}

function sendersText({ names, count, at_least: more, anonymous }: WholeRule['senders']): string {
  if (count === 0) return 'nobody yet';
  const said = [...names, ...(anonymous ? ['somebody without a token'] : [])];
  const left = count - said.length;
  return `${said.join(', ')}${left > 0 ? ` and ${more ? 'more than ' : ''}${left} more` : ''}`;
}

function listText(title: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [] : [`${title}: ${items.join(', ')}`];
}
