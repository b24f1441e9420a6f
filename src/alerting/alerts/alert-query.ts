import { sql } from 'kysely';
import { parseMatcher } from '#promql';
import { listInSlices, rowAt, type ListSlice, type StateDatabase } from '#storage';
import {
  matchesAll,
  messageOf,
  OmoiError,
  PageCursors,
  parseLabels,
  type AlertState,
  type Labels,
  type Matcher,
} from '#telemetry';
import type { AlertRow } from './alert-row.ts';

/** How many rows are read at once while matchers, which the database does not know, drop some. */
const SCAN_ROWS = 100;
/** A page is answered with what was found once so many rows were looked at. */
const MAX_SCANNED_ROWS = 20_000;

export interface AlertFilter {
  readonly state?: AlertState;
  readonly severity?: string;
  readonly ruleId?: string;
  /** Whether somebody has acknowledged it. */
  readonly acknowledged?: boolean;
  /** `name="value"`, with =, !=, =~ or !~; an alert has to fit all of them. */
  readonly matchers: readonly string[];
  /** What else its labels have to fit, which alerting itself cannot tell. */
  readonly labels?: LabelFilter;
  /** At most 1000. */
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

/** A choice by labels. */
export interface LabelFilter {
  /** As it was asked for: a cursor belongs to it. */
  readonly said: string;
  readonly accepts: (labels: Labels) => boolean;
}

export interface AlertPage {
  readonly alerts: readonly AlertRow[];
  /** Null at the end. */
  readonly nextCursor: string | null;
}

/** Alerts, the newest first. @throws OmoiError `invalid_cursor`; `invalid_request` for a broken matcher */
export async function listAlerts(database: StateDatabase, filter: AlertFilter): Promise<AlertPage> {
  const matchers = filter.matchers.map(parseAlertMatcher);
  const slices = alertSlices(database, filter, matchers);
  const found: AlertRow[] = [];
  const { cursor, limit, labels: also, ...filters } = filter;
  const cursors = new PageCursors('alerts', { ...filters, labels: also?.said });
  let after = cursor === undefined ? null : parsePlace(cursors.placeOf(cursor));
  const pageRows = matchers.length === 0 && also === undefined ? Math.min(limit, SCAN_ROWS) : SCAN_ROWS;
  for (let scanned = 0; scanned < MAX_SCANNED_ROWS;) {
    const rows = await listInSlices(slices, { after, limit: pageRows });
    for (const row of rows) {
      after = { firedAtMs: row.fired_at_ms, id: row.id };
      const labels = parseLabels(row.labels);
      if (!matchesAll(matchers, labels) || also?.accepts(labels) === false) continue;
      found.push(row);
      if (found.length === limit) return { alerts: found, nextCursor: cursors.at(formatPlace(after)) };
    }
    scanned += rows.length;
    if (rows.length < pageRows) return { alerts: found, nextCursor: null };
  }
  return { alerts: found, nextCursor: after === null ? null : cursors.at(formatPlace(after)) };
}

interface Place {
  readonly firedAtMs: number;
  readonly id: string;
}

/** One index is walked, that of the filter which leaves the fewest in an incident; the others drop rows of a stretch. */
function alertSlices(
  { reader, dialect }: StateDatabase,
  { state, severity, ruleId, acknowledged }: AlertFilter,
  matchers: readonly Matcher[],
) {
  // Thousands fire, and few are those of one agent: the others are not read. Of all that ever fired the walk has to end.
  const contained = state === 'firing' ? matchers.flatMap(textIn) : [];
  const behind = (after: Place | null) => {
    let rows = reader.selectFrom('alerts').orderBy('fired_at_ms', 'desc').orderBy('id', 'desc');
    if (state === 'firing') rows = rows.where('state', '=', state);
    else if (ruleId !== undefined) rows = rows.where('rule_id', '=', ruleId);
    else if (severity !== undefined) rows = rows.where('severity', '=', severity);
    else if (state !== undefined) rows = rows.where('state', '=', state);
    if (after === null) return rows;
    // As a pair: what is older is then one stretch of the index that the order is read from.
    return rows.where((row) =>
      row(row.refTuple('fired_at_ms', 'id'), '<', row.tuple(after.firedAtMs, after.id)),
    );
  };
  return {
    end: (after: Place | null, rows: number): Promise<Place | null> =>
      rowAt(behind(after).select(['fired_at_ms as firedAtMs', 'id']), rows),
    find({ after, until, rows, limit }: ListSlice<Place>): Promise<AlertRow[]> {
      let stretch = behind(after).selectAll();
      if (until !== null) {
        stretch = stretch.where((row) =>
          row(row.refTuple('fired_at_ms', 'id'), '>=', row.tuple(until.firedAtMs, until.id)),
        );
      }
      let found = reader.selectFrom(stretch.limit(rows).as('alerts')).selectAll();
      if (state !== undefined) found = found.where('state', '=', state);
      if (severity !== undefined) found = found.where('severity', '=', severity);
      if (ruleId !== undefined) found = found.where('rule_id', '=', ruleId);
      if (acknowledged !== undefined) {
        found = found.where('acknowledged_by', acknowledged ? 'is not' : 'is', null);
      }
      for (const text of contained) found = found.where(sql`${placeIn(dialect)}(labels, ${text})`, '>', 0);
      return found.orderBy('fired_at_ms', 'desc').orderBy('id', 'desc').limit(limit).execute();
    },
  };
}

/** What the stored text of labels has in it that a matcher accepts; nothing where that can't be told. */
function textIn({ name, operator, value }: Matcher): readonly string[] {
  if (operator !== '=' || value === '') return [];
  return [`${JSON.stringify(name)}:${JSON.stringify(value)}`];
}

/** The function of a text and another that it may contain: from 1 where it does. */
function placeIn(dialect: StateDatabase['dialect']) {
  return sql.raw(dialect === 'sqlite' ? 'instr' : 'strpos');
}

function formatPlace({ firedAtMs, id }: Place): string {
  return `${firedAtMs}.${id}`;
}

function parsePlace(place: string): Place {
  const [firedAtMs, id = ''] = place.split('.');
  return { firedAtMs: Number(firedAtMs), id };
}

/** A matcher whose value has no quotes. */
const UNQUOTED = /^(\s*[^\s=!~"'`]+\s*(?:=~|!~|!=|=)\s*)((?![\s"'`~=]).*?)\s*$/s;

/**
 * A matcher of the query language, `team="infra"` or `team=~"a|b"`; the quotes around the value may be left out.
 * @throws OmoiError `invalid_request`
 */
export function parseAlertMatcher(text: string): Matcher {
  const unquoted = UNQUOTED.exec(text);
  try {
    return parseMatcher(unquoted ? `${unquoted[1]}${JSON.stringify(unquoted[2])}` : text);
  } catch (thrown) {
    throw new OmoiError(
      'invalid_request',
      `${JSON.stringify(text)} is no matcher like name="value": ${messageOf(thrown)}`,
    );
  }
}
