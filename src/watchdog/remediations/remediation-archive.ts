import type { StateDatabase, StateTables } from '#storage';
import { OmoiError, type RemediationState } from '#telemetry';
import type { Selectable } from 'kysely';
import type { Remediation } from './remediation.ts';

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
    let select = this.#database.reader.selectFrom('remediations').selectAll();
    if (query.states && query.states.length > 0) select = select.where('state', 'in', query.states);
    if (query.policy !== undefined) select = select.where('policy', '=', query.policy);
    if (query.alertId !== undefined) select = select.where('alert_id', '=', query.alertId);
    if (query.targetId !== undefined) select = select.where('target_id', '=', query.targetId);
    if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
    return this.#detailed(await select.orderBy('id', 'desc').limit(query.limit).execute());
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
