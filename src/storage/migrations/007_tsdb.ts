import type { Migration, MigrationStep } from '../migration.ts';

const telemetry: MigrationStep = {
  async up() {},
  async down() {},
};

export const tsdb: Migration = { name: '007_tsdb', telemetry };
