import type { MigrationStep } from '../../migration.ts';

export const alerting: MigrationStep = {
  async up() {},
  async down() {},
};
