import { formatLabels } from '#telemetry';
import { z } from 'zod';
import { followRows } from '../follow-rows.ts';
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
import { eventLine } from './events.ts';
import { fieldsOf, giveOrders, readIfThere } from './orders.ts';

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
  { heading: 'VALUE', of: (row) => row.value, mayShrink: true },
  { heading: 'ABOUT', of: aboutOf, mayShrink: true },
];

function stateOf({ state, cause, acknowledged_by: by }: Alert): string {
  if (state !== 'firing') return cause === null ? state : `${state} (${cause})`;
  return by === null ? state : 'acknowledged';
}

/** Its labels without what other columns say. */
function aboutOf({ labels }: Alert): string {
  const { alertname: _name, severity: _severity, ...others } = labels;
  return formatLabels(others);
}

export interface AlertListFlags extends FollowFlags {
  readonly state: 'firing' | 'resolved' | 'all';
  readonly severity?: string;
  readonly rule?: string;
  readonly match: readonly string[];
  readonly limit: number;
}

/** `omoi alerts list` */
export async function listAlerts(flags: AlertListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const table = tableFor(COLUMNS);
  const printAll = async (): Promise<void> => {
    const { rows: alerts, more } = await readAlerts(client, flags);
    if (flags.json === true) {
      if (flags.follow === true) alerts.forEach(printJson);
      else printJson({ alerts });
    } else if (alerts.length === 0) note(flags.state === 'firing' ? 'no alert fires' : 'no alert is known');
    else printLines(table.linesOf(alerts));
    if (more)
      note(`there are more than ${flags.limit} alerts: --limit shows them, --severity or --match fewer`);
  };
  if (flags.follow !== true) return printAll();
  await followRows(server, {
    types: ['monitor.alert'],
    idOf: (event) => (event.entity_type === 'alert' ? event.entity_id : null),
    async read(id) {
      const answer = await readIfThere(client, pathOf(id));
      return answer === null ? null : alert.parse(answer);
    },
    printAll,
    print: (row) => (flags.json === true ? printJson(row) : printLines(table.linesOf([row]))),
  });
}

function readAlerts(client: ServerClient, flags: AlertListFlags & { readonly acknowledged?: boolean }) {
  const { state, severity, rule, match, limit, acknowledged } = flags;
  const pages = {
    path: PATH,
    query: {
      state: state === 'all' ? undefined : state,
      severity,
      rule_id: rule,
      matcher: match,
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

/** `omoi alerts show` */
export async function showAlert(id: string, flags: ServerFlags): Promise<void> {
  const client = clientOf(serverOf(flags));
  const answer = await client.call('GET', pathOf(id));
  const timeline = await client.call('GET', `${pathOf(id)}/timeline`);
  const { events } = z.object({ events: z.array(z.unknown()) }).parse(timeline);
  if (flags.json === true) return printJson({ alert: answer, events });
  const shown = alert.parse(answer);
  const { summary = null, description = null, runbook_url: runbook = null } = shown.annotations;
  printLines([
    ...fieldsOf([
      ['alert', shown.id],
      ['rule', shown.rule_id],
      ['severity', shown.severity],
      ['state', stateOf(shown)],
      ['fired', `${ageOf(shown.fired_at)} ago, at ${shown.fired_at}`],
      ['resolved', shown.resolved_at],
      ['value', shown.threshold === null ? shown.value : `${shown.value} (threshold ${shown.threshold})`],
      ['acknowledged by', shown.acknowledged_by],
      ['labels', formatLabels(shown.labels)],
      ['summary', summary],
      ['description', description],
      ['runbook', runbook],
      ['repair', shown.remediation_id],
      ['not evaluated', shown.evaluation_error],
    ]),
    '',
    ...events.map((event) => printable(eventLine(event))),
  ]);
}

const ALL_AT_ONCE = 10_000;

export interface AckFlags extends ServerFlags {
  readonly all?: boolean;
}

/** `omoi alerts ack` and `resolve`. @returns the exit status */
export async function handleAlerts(
  order: 'acknowledge' | 'resolve',
  ids: readonly string[],
  flags: AckFlags,
): Promise<number> {
  const client = clientOf(serverOf(flags));
  const meant = flags.all === true ? await unacknowledged(client) : ids;
  return giveOrders({
    ids: meant,
    json: flags.json === true,
    send: (id) => client.call('POST', `${pathOf(id)}/${order}`),
    told(id, answer) {
      const { rule_id: rule, acknowledged_by: by, state } = alert.parse(answer);
      return printable(
        order === 'acknowledge'
          ? `${id} (${rule}) is acknowledged by ${by ?? '?'}`
          : `${id} (${rule}) is ${state}`,
      );
    },
  });
}

async function unacknowledged(client: ServerClient): Promise<readonly string[]> {
  const flags = { state: 'firing', match: [], acknowledged: false, limit: ALL_AT_ONCE } as const;
  const { rows } = await readAlerts(client, flags);
  if (rows.length === 0) note('no alert waits for somebody to acknowledge it');
  return rows.map(({ id }) => id);
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
