import type { Migration, MigrationStep, SchemaAccess } from '../migration.ts';

const BY_FIRED = ['fired_at_ms', 'id'] as const;

/**
 * Rules are recognized by what they are, so that their labels are kept; what is pending is confirmed by one time a rule
 * instead of by its rows; pages of alerts are read from an index, however many lie in the past.
 */
const state: MigrationStep = {
  async up(db) {
    await db.schema.alterTable('alert_rules').addColumn('labels', 'text').execute();
    await db.schema.alterTable('alert_rules').addColumn('confirmed_at_ms', 'bigint').execute();
    await renameState(db, 'subsiding', 'keep_firing');
    await db.schema.dropIndex('alerts_by_state').execute();
    await db.schema.dropIndex('alerts_by_rule').execute();
    await index(db, 'alerts_by_fired', BY_FIRED);
    await index(db, 'alerts_by_state', ['state', ...BY_FIRED]);
    await index(db, 'alerts_by_rule', ['rule_id', ...BY_FIRED]);
    await index(db, 'alerts_by_severity', ['severity', ...BY_FIRED]);
  },
  async down(db) {
    await db.schema.dropIndex('alerts_by_severity').execute();
    await db.schema.dropIndex('alerts_by_rule').execute();
    await db.schema.dropIndex('alerts_by_state').execute();
    await db.schema.dropIndex('alerts_by_fired').execute();
    await index(db, 'alerts_by_state', ['state', 'fired_at_ms']);
    await index(db, 'alerts_by_rule', ['rule_id', 'fired_at_ms']);
    await renameState(db, 'keep_firing', 'subsiding');
    await db.schema.alterTable('alert_rules').dropColumn('confirmed_at_ms').execute();
    await db.schema.alterTable('alert_rules').dropColumn('labels').execute();
  },
};

async function index(db: SchemaAccess, name: string, columns: readonly string[]): Promise<void> {
  await db.schema
    .createIndex(name)
    .on('alerts')
    .columns([...columns])
    .execute();
}

async function renameState(db: SchemaAccess, from: string, to: string): Promise<void> {
  await db.updateTable('alert_rule_state').set({ state: to }).where('state', '=', from).execute();
}

export const alertingAtScale: Migration = { name: '012_alerting_at_scale', state };
