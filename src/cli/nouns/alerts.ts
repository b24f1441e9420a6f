import { formatLabels, matchesAll, OmoiError } from '#telemetry';
import { z } from 'zod';
import { tellsOf } from '../follow-rows.ts';
import { clientForNamed } from '../named-client.ts';
import { printable } from '../query/printable.ts';
import { readPages } from '../read-pages.ts';
import {
  clientOf,
  serverOf,
  type FollowFlags,
  type ServerClient,
  type ServerFlags,
} from '../server-client.ts';
import { ageOf } from '../terminal/ages.ts';
import { colourOfState } from '../terminal/colours.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';
import { commentLines, commentsOf, type Comment } from './comments.ts';
import { alertsNamed, maxNamedAtOnce, oneAlertNamed } from './alerts-named.ts';
import { eventLine } from './events.ts';
import { fieldsOf, giveOrders, readIfThere } from './orders.ts';
import { showList, showWhole } from './shown.ts';
import { endOfOrder, type EndFlags } from './silences.ts';

const PATH = '/api/v1/alerts';
const PAGE_ROWS = 1000;

const nullable = z.string().nullable();
const alert = z.looseObject({
  id: z.string(),
  rule_id: z.string(),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  severity: z.string(),
  state: z.string(),
  value: z.string(),
  threshold: z.number().nullable(),
  active_at: z.string(),
  fired_at: z.string(),
  resolved_at: nullable,
  cause: nullable,
  acknowledged_by: nullable,
  acknowledged_note: nullable.default(null),
  snoozed_until: nullable.default(null),
  snoozed_by: nullable.default(null),
  snooze_note: nullable.default(null),
  assigned_to: nullable.default(null),
  remediation_id: nullable,
  evaluation_error: nullable,
});
type Alert = z.output<typeof alert>;

const COLUMNS: readonly Column<Alert>[] = [
  { heading: 'ALERT', of: (row) => row.id },
  { heading: 'SEVERITY', of: (row) => row.severity, colourOf: (row) => colourOfState(row.severity) },
  { heading: 'STATE', of: stateOf, colourOf: (row) => colourOfState(row.state) },
  { heading: 'FIRED', of: (row) => ageOf(row.fired_at), align: 'right' },
  { heading: 'RULE', of: (row) => row.rule_id },
  { heading: 'VALUE', of: valueOf, mayShrink: true },
  { heading: 'ABOUT', of: aboutOf, mayShrink: true },
];

/** One that was posted has none. */
function valueOf({ rule_id: rule, value }: Pick<Alert, 'rule_id' | 'value'>): string {
  return rule.startsWith('posted/') && value === 'NaN' ? '-' : value;
}

function stateOf({ state, cause, acknowledged_by: by, snoozed_until: snoozed }: Alert): string {
  if (state !== 'firing') return cause === null ? state : `${state} (${cause})`;
  if (snoozed !== null) return 'snoozed';
  return by === null ? state : 'acknowledged';
}

/** Its labels without what other columns say. */
function aboutOf({ labels }: Pick<Alert, 'labels'>): string {
  const { alertname: _name, severity: _severity, ...others } = labels;
  return formatLabels(others);
}

export interface AlertListFlags extends FollowFlags {
  readonly state: 'firing' | 'pending' | 'resolved' | 'all';
  readonly severity?: string;
  readonly rule?: string;
  readonly match: readonly string[];
  readonly receiver?: string;
  readonly limit: number;
}

/** `omoi alerts list` */
export async function listAlerts(flags: AlertListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  if (flags.state === 'pending') return listPending(client, flags);
  if (flags.follow === true && flags.receiver !== undefined) {
    const message = '--receiver goes without --follow: routes are asked when the list is read';
    throw new OmoiError('invalid_request', message);
  }
  const isMeant = await filterOf(flags);
  await showList(server, flags, {
    key: 'alerts',
    columns: COLUMNS,
    readAll: () => readAlerts(client, flags),
    empty: flags.state === 'firing' ? 'no alert fires' : 'no alert is known',
    more: `there are more than ${flags.limit} alerts: --limit shows them, --severity or --match fewer`,
    follow: {
      types: ['monitor.alert'],
      idOf: (event) => (event.entity_type === 'alert' ? event.entity_id : null),
      async read(id) {
        const answer = await readIfThere(client, pathOf(id));
        const row = answer === null ? null : alert.parse(answer);
        return row !== null && isMeant(row) ? row : null;
      },
    },
  });
}

/** Which of those that change are shown: as the server lists them, and of those that fire how they end, too. */
export async function filterOf({
  state,
  severity,
  rule,
  match,
}: Omit<AlertListFlags, 'limit' | 'receiver'>): Promise<
  (row: Pick<Alert, 'state' | 'severity' | 'rule_id' | 'labels'>) => boolean
> {
  // What reads them is loaded by who names some.
  const matchers = match.length === 0 ? [] : match.map((await import('#promql')).parseMatcher);
  return (row) =>
    (state !== 'resolved' || row.state === state) &&
    (severity ?? row.severity) === row.severity &&
    (rule ?? row.rule_id) === row.rule_id &&
    matchesAll(matchers, row.labels);
}

const pending = z.object({
  rule_id: z.string(),
  labels: z.record(z.string(), z.string()),
  active_at: z.string(),
  value: z.string(),
});
type Pending = z.output<typeof pending>;

const PENDING_COLUMNS: readonly Column<Pending>[] = [
  { heading: 'SEVERITY', of: ({ labels }) => labels['severity'] ?? '-' },
  { heading: 'SINCE', of: ({ active_at: at }) => ageOf(at), align: 'right' },
  { heading: 'RULE', of: ({ rule_id: rule }) => rule },
  { heading: 'VALUE', of: ({ value }) => value, mayShrink: true },
  { heading: 'ABOUT', of: aboutOf, mayShrink: true },
];

/** What may become alerts: their conditions have not held for long enough. @throws OmoiError `invalid_request` with options that only alerts have */
async function listPending(client: ServerClient, flags: AlertListFlags): Promise<void> {
  const { follow, severity, rule, match, receiver, limit } = flags;
  if (follow === true || severity !== undefined || receiver !== undefined || match.length > 0) {
    const message = '--state pending goes with --rule and --limit alone: what is pending is no alert yet';
    throw new OmoiError('invalid_request', message);
  }
  const pages = {
    path: `${PATH}/active`,
    query: { state: 'pending', rule_id: rule },
    maxRows: PAGE_ROWS,
    read(answer: unknown) {
      const page = z.object({ active: z.array(pending), next_cursor: nullable }).parse(answer);
      return { rows: page.active, next: page.next_cursor === null ? null : { cursor: page.next_cursor } };
    },
  };
  const { rows: active, more } = await readPages(client, pages, limit);
  if (flags.json === true) printJson({ active });
  else if (active.length === 0) note('nothing is pending');
  else printLines(tableFor(PENDING_COLUMNS).linesOf(active));
  if (more) note(`there are more than ${limit}: --limit shows them`);
}

function readAlerts(client: ServerClient, flags: AlertListFlags & { readonly acknowledged?: boolean }) {
  const { state, severity, rule, match, receiver, limit, acknowledged } = flags;
  const pages = {
    path: PATH,
    query: {
      state: state === 'all' ? undefined : state,
      severity,
      rule_id: rule,
      matcher: match,
      receiver,
      acknowledged: acknowledged === undefined ? undefined : String(acknowledged),
    },
    maxRows: PAGE_ROWS,
    read(answer: unknown) {
      const page = z.object({ alerts: z.array(alert), next_cursor: nullable }).parse(answer);
      return { rows: page.alerts, next: page.next_cursor === null ? null : { cursor: page.next_cursor } };
    },
  };
  return readPages(client, pages, limit);
}

/** `omoi alerts show`: by the alert's id, or by its rule where one alert of it fires. */
export async function showAlert(word: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const id = await oneAlertNamed(client, word);
  await showWhole(flags, {
    async ask() {
      const answer = await client.call('GET', pathOf(id));
      const timeline = await client.call('GET', `${pathOf(id)}/timeline`);
      const said = await client.call('GET', `${pathOf(id)}/comments`);
      return {
        alert: answer,
        comments: commentsOf(said),
        ...timelineSchema.parse(timeline),
      };
    },
    linesOf: ({ alert: answer, comments, events, left_out: leftOut }) => [
      ...linesOf(alert.parse(answer), comments, events),
      ...leftOutLines(leftOut),
    ],
    types: ['monitor.alert', 'watchdog'],
    isMeant: tellsOf(id),
  });
}

const timelineSchema = z.object({
  events: z.array(z.unknown()),
  left_out: z.object({ messages: z.number(), at_least: z.boolean() }),
});

/** Of a long alert: the timeline has the first messages and the newest. */
function leftOutLines({ messages, at_least: isMore }: z.output<typeof timelineSchema>['left_out']) {
  if (messages === 0) return [];
  const more = isMore ? 'at least ' : '';
  return ['', `${more}${messages} messages are not shown: they lie between the first and the newest`];
}

function linesOf(shown: Alert, comments: readonly Comment[], events: readonly unknown[]): readonly string[] {
  const { summary = null, description = null, runbook_url: runbook = null } = shown.annotations;
  return [
    ...fieldsOf([
      ['alert', shown.id],
      ['rule', shown.rule_id],
      ['severity', shown.severity],
      ['state', stateOf(shown)],
      ['fired', `${ageOf(shown.fired_at)} ago, at ${shown.fired_at}`],
      ['resolved', shown.resolved_at],
      ['value', shown.threshold === null ? valueOf(shown) : `${shown.value} (threshold ${shown.threshold})`],
      ['acknowledged by', withNote(shown.acknowledged_by, shown.acknowledged_note)],
      ['snoozed until', shown.snoozed_until],
      ['snoozed by', withNote(shown.snoozed_by, shown.snooze_note)],
      ['assigned to', shown.assigned_to],
      ['labels', formatLabels(shown.labels)],
      ['summary', summary],
      ['description', description],
      ['runbook', runbook],
      ['repair', shown.remediation_id],
      ['not evaluated', shown.evaluation_error],
    ]),
    ...commentLines(comments),
    '',
    ...events.map((event) => printable(eventLine(event))),
  ];
}

function withNote(by: string | null, remark: string | null): string | null {
  return by === null || remark === null ? by : `${by}: ${remark}`;
}

export interface AckFlags extends ServerFlags {
  readonly all?: boolean;
  readonly note?: string;
}

export interface SnoozeFlags extends ServerFlags, EndFlags {
  readonly note?: string;
}

export interface AssignFlags extends ServerFlags {
  readonly to?: string;
  readonly nobody?: boolean;
}

/** `omoi alerts ack` and `resolve`, by ids or by the names of rules. @returns the exit status */
export async function handleAlerts(
  order: 'acknowledge' | 'resolve',
  words: readonly string[],
  flags: AckFlags,
): Promise<number> {
  const body = flags.note === undefined ? undefined : { note: flags.note };
  const isAck = order === 'acknowledge';
  return orderAlerts(words, flags, { path: order, ...(body && { body }) }, ({ acknowledged_by: by, state }) =>
    isAck ? `is acknowledged by ${by ?? '?'}` : `is ${state}`,
  );
}

/** `omoi alerts snooze`. @returns the exit status @throws OmoiError `invalid_request` without a time */
export function snoozeAlerts(words: readonly string[], flags: SnoozeFlags): Promise<number> {
  const { ends_at: until, ...length } = { ends_at: undefined, ...endOfOrder(flags) };
  const body = {
    ...length,
    ...(until !== undefined && { until }),
    ...(flags.note !== undefined && { note: flags.note }),
  };
  return orderAlerts(
    words,
    flags,
    { path: 'snooze', body },
    (row) => `is snoozed until ${row.snoozed_until}`,
  );
}

/** `omoi alerts unsnooze`. @returns the exit status */
export function unsnoozeAlerts(words: readonly string[], flags: ServerFlags): Promise<number> {
  return orderAlerts(words, flags, { path: 'unsnooze' }, () => 'is not snoozed any more');
}

/** `omoi alerts assign`. @returns the exit status @throws OmoiError `invalid_request` where it is not said to whom */
export function assignAlerts(words: readonly string[], flags: AssignFlags): Promise<number> {
  const { to = null, nobody = false } = flags;
  if ((to === null) !== nobody) throw new OmoiError('invalid_request', 'say who by one of --to and --nobody');
  return orderAlerts(words, flags, { path: 'assign', body: { assigned_to: to } }, (row) =>
    row.assigned_to === null ? 'is assigned to nobody' : `is assigned to ${row.assigned_to}`,
  );
}

/** `omoi alerts comment` */
export async function commentAlert(word: string, text: string, flags: ServerFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const id = await oneAlertNamed(client, word);
  const answer = await client.call('POST', `${pathOf(id)}/comments`, { text });
  if (flags.json === true) printJson(answer);
  else printLines([`${id} has a comment more`]);
}

interface AlertOrder {
  /** Below the alert's. */
  readonly path: string;
  readonly body?: object;
}

/** The same about each alert of those words. */
async function orderAlerts(
  words: readonly string[],
  flags: AckFlags,
  { path, body }: AlertOrder,
  outcome: (row: Alert) => string,
): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  const { ids, unknown } =
    flags.all === true ? { ids: await unacknowledged(client), unknown: 0 } : await alertsNamed(client, words);
  const status = await giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('POST', `${pathOf(id)}/${path}`, body),
    told(id, answer) {
      const row = alert.parse(answer);
      return printable(`${id} (${row.rule_id}) ${outcome(row)}`);
    },
  });
  return unknown > 0 ? 1 : status;
}

async function unacknowledged(client: ServerClient): Promise<readonly string[]> {
  const flags = { state: 'firing', match: [], acknowledged: false, limit: maxNamedAtOnce } as const;
  const { rows } = await readAlerts(client, flags);
  if (rows.length === 0) note('no alert waits for somebody to acknowledge it');
  return rows.map(({ id }) => id);
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
