import { listInSlices, type ListSlice, type StateDatabase, type StateTables } from '#storage';
import { OmoiError, type RemediationState } from '#telemetry';
import type { Selectable } from 'kysely';
import { isOpenState, type Remediation } from './remediation.ts';

export interface RemediationQuery {
  readonly states?: readonly RemediationState[];
  readonly policy?: string;
  readonly alertId?: string;
  readonly targetId?: string;
  /** Only those planned before this one: for paging, newest first. */
  readonly beforeId?: string;
  readonly limit: number;
}

export interface RemediationDetail {
  readonly remediation: Remediation;
  readonly actions: readonly Selectable<StateTables['watchdog_actions']>[];
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
      actions: actions.filter((action) => action.remediation_id === remediation.id),
      suppressions: suppressions.filter((suppression) => suppression.remediation_id === remediation.id),
    }));
  }
}

/** One index is walked, that of the filter which leaves the fewest; the others drop rows of a stretch. */
function remediationSlices(
  { reader }: StateDatabase,
  { states = [], policy, alertId, targetId }: RemediationQuery,
) {
  const [onlyState] = states;
  const behind = (after: string | null) => {
    let rows = reader.selectFrom('remediations').orderBy('id', 'desc');
    if (alertId !== undefined) rows = rows.where('alert_id', '=', alertId);
    else if (targetId !== undefined) rows = rows.where('target_id', '=', targetId);
    else if (onlyState !== undefined && states.length === 1 && isOpenState(onlyState)) {
      rows = rows.where('state', '=', onlyState);
    } else if (policy !== undefined) rows = rows.where('policy', '=', policy);
    return after === null ? rows : rows.where('id', '<', after);
  };
  return {
    async end(after: string | null, rows: number): Promise<string | null> {
      const query = behind(after).select('id');
      return (
        (
          await query
            .offset(rows - 1)
            .limit(1)
            .executeTakeFirst()
        )?.id ?? null
      );
    },
    find({ after, until, rows, limit }: ListSlice<string>): Promise<Remediation[]> {
      let stretch = behind(after).selectAll();
      if (until !== null) stretch = stretch.where('id', '>=', until);
      let found = reader.selectFrom(stretch.limit(rows).as('stretch')).selectAll();
      if (states.length > 0) found = found.where('state', 'in', states);
      if (policy !== undefined) found = found.where('policy', '=', policy);
      if (targetId !== undefined) found = found.where('target_id', '=', targetId);
      return found.orderBy('id', 'desc').limit(limit).execute();
    },
  };
}
