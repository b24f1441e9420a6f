import { listInSlices, rowAt, type ListSlice, type StateDatabase, type StateTables } from '#storage';
import { OmoiError, type RemediationConcern, type RemediationState } from '#telemetry';
import { sql, type Expression, type ExpressionBuilder, type Selectable, type SqlBool } from 'kysely';
import { passedGuardsOf, type ActionRow, type PassedGuard } from '../actions/action-rows.ts';
import { readPlan, type RemediationPlan } from '../policies/remediation-plan.ts';
import { remediationLine } from './remediation-lines.ts';
import { isOpenState, type Remediation } from './remediation.ts';

/** More policies than these hardly act on one alert. */
const MAX_LINES_PER_ALERT = 5;

export interface RemediationQuery {
  readonly states?: readonly RemediationState[];
  readonly policy?: string;
  readonly alertId?: string;
  readonly targetId?: string;
  readonly concern?: RemediationConcern;
  /** Only those planned before this one: for paging, newest first. */
  readonly beforeId?: string;
  readonly limit: number;
}

export interface RemediationDetail {
  readonly remediation: Remediation;
  readonly plan: RemediationPlan;
  readonly actions: readonly (ActionRow & { readonly passed: readonly PassedGuard[] })[];
  readonly suppressions: readonly Selectable<StateTables['watchdog_suppressions']>[];
}

/** Reads remediations, for people. */
export class RemediationArchive {
  readonly #database: StateDatabase;

  constructor(database: StateDatabase) {
    this.#database = database;
  }

  /** Newest first; ids sort by the time of planning. */
  async list(query: RemediationQuery): Promise<readonly RemediationDetail[]> {
    const { beforeId: after = null, limit } = query;
    return this.#detailed(await listInSlices(remediationSlices(this.#database, query), { after, limit }));
  }

  /** @throws OmoiError `unknown_remediation` */
  async get(id: string): Promise<RemediationDetail> {
    const rows = await this.#database.reader
      .selectFrom('remediations')
      .selectAll()
      .where('id', '=', id)
      .execute();
    const [detail] = await this.#detailed(rows);
    if (!detail) throw new OmoiError('unknown_remediation', `there is no remediation ${id}`);
    return detail;
  }

  /** What was done about each of these alerts, in one line, by the id of the alert. @param alertIds at most 500 */
  async linesOf(alertIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (alertIds.length === 0) return new Map();
    const rows = await this.#database.reader
      .selectFrom('remediations')
      .selectAll()
      .where('alert_id', 'in', alertIds)
      .orderBy('id')
      .execute();
    const lines = new Map<string, string>();
    for (const [alertId, ofAlert] of Map.groupBy(rows, (row) => row.alert_id)) {
      const told = ofAlert.flatMap((row) => remediationLine(row) ?? []).slice(0, MAX_LINES_PER_ALERT);
      if (told.length > 0) lines.set(alertId, told.join('; '));
    }
    return lines;
  }

  async #detailed(remediations: readonly Remediation[]): Promise<readonly RemediationDetail[]> {
    if (remediations.length === 0) return [];
    const ids = remediations.map((remediation) => remediation.id);
    const { reader } = this.#database;
    const [actions, suppressions] = await Promise.all([
      reader
        .selectFrom('watchdog_actions')
        .selectAll()
        .where('remediation_id', 'in', ids)
        .orderBy('step')
        .execute(),
      reader
        .selectFrom('watchdog_suppressions')
        .selectAll()
        .where('remediation_id', 'in', ids)
        .orderBy('first_at_ms')
        .execute(),
    ]);
    return remediations.map((remediation) => ({
      remediation,
      plan: readPlan(remediation.plan),
      actions: actions
        .filter((action) => action.remediation_id === remediation.id)
        .map((action) => ({ ...action, passed: passedGuardsOf(action) })),
      suppressions: suppressions.filter((suppression) => suppression.remediation_id === remediation.id),
    }));
  }
}

type Stretch = ExpressionBuilder<StateTables & { stretch: StateTables['remediations'] }, 'stretch'>;

const CONCERNS: Readonly<Record<RemediationConcern, (row: Stretch) => Expression<SqlBool>>> = {
  given_up: (row) =>
    row.and([
      row('stretch.state', '=', 'escalated'),
      row.exists(
        row
          .selectFrom('alerts')
          .select('alerts.id')
          .whereRef('alerts.id', '=', 'stretch.alert_id')
          .where('alerts.state', '=', sql.lit('firing')),
      ),
    ]),
  // The newest relapse of each lineage, as long as the next remediation has not ended.
  relapsing: (row) =>
    row.and([
      row('stretch.outcome', '=', 'relapsed'),
      row.exists(laterOf(row).where('later.ended_at_ms', 'is', null)),
      row.not(row.exists(laterOf(row).where('later.outcome', '=', 'relapsed'))),
    ]),
};

/** The remediations of a lineage that were planned after one of it. */
function laterOf(row: Stretch) {
  return row
    .selectFrom('remediations as later')
    .select('later.id')
    .whereRef('later.target_id', '=', 'stretch.target_id')
    .whereRef('later.id', '>', 'stretch.id')
    .whereRef('later.policy', '=', 'stretch.policy')
    .whereRef('later.target_kind', '=', 'stretch.target_kind');
}

/** One index is walked, that of the filter which leaves the fewest; the others drop rows of a stretch. */
function remediationSlices(
  { reader }: StateDatabase,
  { states = [], policy, alertId, targetId, concern }: RemediationQuery,
) {
  const [onlyState] = states;
  const behind = (after: string | null) => {
    let rows = reader.selectFrom('remediations').orderBy('id', 'desc');
    if (alertId !== undefined) rows = rows.where('alert_id', '=', alertId);
    else if (targetId !== undefined) rows = rows.where('target_id', '=', targetId);
    else if (concern === 'given_up') rows = rows.where('state', '=', 'escalated');
    else if (concern === 'relapsing') rows = rows.where('outcome', '=', sql.lit('relapsed'));
    else if (onlyState !== undefined && states.length === 1 && isOpenState(onlyState)) {
      rows = rows.where('state', '=', onlyState);
    } else if (policy !== undefined) rows = rows.where('policy', '=', policy);
    return after === null ? rows : rows.where('id', '<', after);
  };
  return {
    async end(after: string | null, rows: number): Promise<string | null> {
      return (await rowAt(behind(after).select('id'), rows))?.id ?? null;
    },
    find({ after, until, rows, limit }: ListSlice<string>): Promise<Remediation[]> {
      let stretch = behind(after).selectAll();
      if (until !== null) stretch = stretch.where('id', '>=', until);
      let found = reader.selectFrom(stretch.limit(rows).as('stretch')).selectAll();
      if (states.length > 0) found = found.where('state', 'in', states);
      if (policy !== undefined) found = found.where('policy', '=', policy);
      if (targetId !== undefined) found = found.where('target_id', '=', targetId);
      if (concern !== undefined) found = found.where(CONCERNS[concern]);
      return found.orderBy('id', 'desc').limit(limit).execute();
    },
  };
}
