import { formatLabels, OmoiError, parseDuration } from '#telemetry';
import { z } from 'zod';
import { followRows } from '../follow-rows.ts';
import { clientForNamed } from '../named-client.ts';
import { readPages } from '../read-pages.ts';
import {
  clientOf,
  serverOf,
  type FollowFlags,
  type ServerClient,
  type ServerFlags,
} from '../server-client.ts';
import { ageOf, glanceOf } from '../terminal/ages.ts';
import { colourOfState } from '../terminal/colours.ts';
import { note, printJson, printLines, tableFor } from '../terminal/print.ts';
import type { Column } from '../terminal/table.ts';
import { oneAlertNamed } from './alerts-named.ts';
import { showWhole } from './shown.ts';
import { fieldsOf, giveOrders, readIfThere } from './orders.ts';

const PATH = '/api/v1/alerts/silences';
const PAGE_ROWS = 1000;

const silence = z.looseObject({
  id: z.string(),
  state: z.string(),
  matcher_sets: z.array(z.array(z.string())),
  starts_at: z.string(),
  ends_at: z.string(),
  created_by: z.string(),
  set_by: z.string(),
  comment: z.string(),
  annotations: z.record(z.string(), z.string()),
  until_resolved: z.boolean(),
  warn_before_ms: z.number().nullable(),
  alert_id: z.string().nullable(),
  end: z
    .looseObject({ cause: z.string(), by: z.string().nullable(), replaced_by: z.string().nullable() })
    .nullable(),
});
type Silence = z.output<typeof silence>;

const COLUMNS: readonly Column<Silence>[] = [
  { heading: 'SILENCE', of: ({ id }) => id },
  { heading: 'STATE', of: ({ state }) => state, colourOf: ({ state }) => colourOfState(state) },
  { heading: 'ENDS', of: (row) => endOf(row, Date.now()), align: 'right' },
  { heading: 'BY', of: ({ created_by: by }) => by },
  { heading: 'FOR', of: matchersText, mayShrink: true },
  { heading: 'REASON', of: ({ comment }) => comment, mayShrink: true },
];

/** `in 2h`, `3d ago`; of one that has not begun when that is, too. */
export function endOf({ state, starts_at: start, ends_at: end }: Silence, nowMs: number): string {
  const endsInMs = Date.parse(end) - nowMs;
  if (state === 'expired') return `${glanceOf(-endsInMs)} ago`;
  const ends = `in ${glanceOf(endsInMs)}`;
  return state === 'pending' ? `${ends}, from in ${glanceOf(Date.parse(start) - nowMs)}` : ends;
}

function matchersText({ matcher_sets: sets }: Pick<Silence, 'matcher_sets'>): string {
  return sets.map((set) => set.join(' ')).join(' or ');
}

export interface SilenceListFlags extends FollowFlags {
  readonly state: string;
  readonly match: readonly string[];
  readonly limit: number;
}

/** `omoi silences list` */
export async function listSilences(flags: SilenceListFlags): Promise<void> {
  const server = serverOf(flags);
  const client = clientOf(server);
  const table = tableFor(COLUMNS);
  const printAll = async (): Promise<void> => {
    const { rows, more } = await readSilences(client, flags);
    if (flags.json === true) {
      if (flags.follow === true) rows.forEach(printJson);
      else printJson({ silences: rows });
    } else if (rows.length === 0) note(noneListed(flags));
    else printLines(table.linesOf(rows));
    if (more) note(`there are more than ${flags.limit} silences: --limit shows them, --match fewer`);
  };
  if (flags.follow !== true) return printAll();
  await followRows(server, {
    types: ['notification.silence'],
    idOf: (event) => (event.entity_type === 'silence' ? event.entity_id : null),
    async read(id) {
      const answer = await readIfThere(client, pathOf(id));
      return answer === null ? null : silence.parse(answer);
    },
    printAll,
    print: (row) => (flags.json === true ? printJson(row) : printLines(table.linesOf([row]))),
  });
}

export function noneListed({ state, match }: Pick<SilenceListFlags, 'state' | 'match'>): string {
  if (match.length > 0) return 'no silence has these matchers';
  if (state === 'live') return 'no silence is set';
  return state === 'all' ? 'no silence is known' : `no silence is ${state}`;
}

function readSilences(client: ServerClient, { state, match, limit }: SilenceListFlags) {
  const pages = {
    path: PATH,
    query: { state, matcher: match },
    maxRows: PAGE_ROWS,
    read(answer: unknown) {
      const page = z.object({ silences: z.array(silence), next_cursor: z.string().nullable() }).parse(answer);
      return { rows: page.silences, next: page.next_cursor === null ? null : { cursor: page.next_cursor } };
    },
  };
  return readPages(client, pages, limit);
}

/** `omoi silences show` */
export async function showSilence(id: string, flags: FollowFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  await showWhole(flags, {
    ask: () => client.call('GET', pathOf(id)),
    linesOf: (answer) => linesOf(silence.parse(answer)),
    types: ['notification.silence'],
    isMeant: ({ entity_id: about }) => about === id,
  });
}

function linesOf(shown: Silence): readonly string[] {
  const { end, set_by: setBy, created_by: by, warn_before_ms: warnBeforeMs } = shown;
  const [first = [], ...others] = shown.matcher_sets;
  return fieldsOf([
    ['silence', shown.id],
    ['state', end === null ? shown.state : `${shown.state} (${end.cause})`],
    ['for', first.join(' ')],
    ...others.map((set): [string, string] => ['or', set.join(' ')]),
    ['from', shown.starts_at],
    ['until', `${shown.ends_at} (${endOf(shown, Date.now())})`],
    ['until resolved', shown.until_resolved ? 'yes' : null],
    ['warns', warnBeforeMs === null ? null : `${glanceOf(warnBeforeMs)} before`],
    ['by', by === setBy ? by : `${by}, set by ${setBy}`],
    ['reason', shown.comment],
    ['annotations', Object.keys(shown.annotations).length === 0 ? null : formatLabels(shown.annotations)],
    ['alert', shown.alert_id],
    ['ended by', end?.by ?? null],
    ['replaced by', end?.replaced_by ?? null],
  ]);
}

export interface EndFlags {
  readonly for?: string;
  readonly until?: string;
}

export interface AddSilenceFlags extends ServerFlags, EndFlags {
  readonly alert?: string;
  readonly start?: string;
  readonly untilResolved?: boolean;
  readonly warnBefore?: string;
  readonly annotation: readonly string[];
  readonly reason: string;
}

/** `omoi silences add` */
export async function addSilence(words: readonly string[], flags: AddSilenceFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const order = {
    ...(await forWhich(client, words, flags.alert)),
    ...endOfOrder(flags),
    ...(flags.start !== undefined && { starts_at: flags.start }),
    comment: flags.reason,
    annotations: annotationsOf(flags.annotation),
    until_resolved: flags.untilResolved === true,
    warn_before_ms: flags.warnBefore === undefined ? null : durationOf('--warn-before', flags.warnBefore),
  };
  const answer = await client.call('POST', PATH, order);
  if (flags.json === true) return printJson(answer);
  const { id, ends_at: end, ...set } = silence.parse(answer);
  printLines([`${id} silences ${matchersText(set)} until ${end}`]);
}

async function forWhich(client: ServerClient, words: readonly string[], alert: string | undefined) {
  if (alert === undefined) return { matcher_sets: matcherSetsOf(words) };
  if (words.length > 0) throw new OmoiError('invalid_request', 'name matchers or --alert, not both');
  return { alert_id: await oneAlertNamed(client, alert) };
}

const OPERATOR = /[=~]/;

/**
 * Matchers as they are typed: `or` begins another set, and a word that compares nothing is the name of a rule.
 * @throws OmoiError `invalid_request` where a set is empty
 */
export function matcherSetsOf(words: readonly string[]): readonly (readonly string[])[] {
  const sets: string[][] = [[]];
  for (const word of words) {
    if (word === 'or') sets.push([]);
    else sets.at(-1)?.push(OPERATOR.test(word) ? word : `alertname=${JSON.stringify(word)}`);
  }
  if (sets.every((set) => set.length > 0)) return sets;
  const message =
    words.length === 0
      ? 'name the alerts by matchers (alertname="Down"), or one by --alert'
      : '`or` stands between matchers';
  throw new OmoiError('invalid_request', message);
}

/** @throws OmoiError `invalid_request` */
export function annotationsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=');
      if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
      throw new OmoiError('invalid_request', `--annotation: "${text}" is not like ticket=OPS-7`);
    }),
  );
}

/** @throws OmoiError `invalid_request` where not exactly one of both is there */
export function endOfOrder({ for: length, until }: EndFlags) {
  if ((length === undefined) === (until === undefined)) {
    throw new OmoiError('invalid_request', 'say until when by one of --for and --until');
  }
  return length === undefined ? { ends_at: until } : { duration_ms: durationOf('--for', length) };
}

function durationOf(flag: string, text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs !== null) return durationMs;
  throw new OmoiError('invalid_request', `${flag}: "${text}" is no duration; write 30m, 2h, 1d`);
}

export interface ChangeFlags extends ServerFlags {
  readonly reason?: string;
  readonly untilResolved?: boolean;
}

/** `omoi silences change` */
export async function changeSilence(id: string, words: readonly string[], flags: ChangeFlags): Promise<void> {
  const client = clientForNamed(serverOf(flags));
  const answer = await client.call('POST', `${pathOf(id)}/change`, changeOf(words, flags));
  if (flags.json === true) return printJson(answer);
  const { id: now, ends_at: end, ...set } = silence.parse(answer);
  const place = now === id ? '' : `, in the place of ${id}`;
  printLines([`${now} silences ${matchersText(set)} until ${end}${place}`]);
}

/** @throws OmoiError `invalid_request` where nothing is to be otherwise */
export function changeOf(words: readonly string[], { reason, untilResolved }: ChangeFlags): object {
  const order = {
    ...(words.length > 0 && { matcher_sets: matcherSetsOf(words) }),
    ...(reason !== undefined && { comment: reason }),
    ...(untilResolved !== undefined && { until_resolved: untilResolved }),
  };
  if (Object.keys(order).length > 0) return order;
  throw new OmoiError(
    'invalid_request',
    'say what is to be otherwise: matchers, --reason, --until-resolved or --no-until-resolved',
  );
}

export interface ExtendFlags extends ServerFlags, EndFlags {}

/** `omoi silences extend` @returns the exit status */
export function extendSilences(ids: readonly string[], flags: ExtendFlags): Promise<number> {
  const order = endOfOrder(flags);
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('POST', `${pathOf(id)}/extend`, order),
    told: (id, answer) => `${id} ends ${endOf(silence.parse(answer), Date.now())}`,
  });
}

/** `omoi silences expire` @returns the exit status */
export function expireSilences(ids: readonly string[], flags: ServerFlags): Promise<number> {
  const client = clientForNamed(serverOf(flags));
  return giveOrders({
    ids,
    json: flags.json === true,
    send: (id) => client.call('DELETE', pathOf(id)),
    told: (id, answer) => `${id} has ended, ${ageOf(silence.parse(answer).ends_at)} ago`,
  });
}

function pathOf(id: string): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}
