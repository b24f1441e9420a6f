import type { MigrationStep } from '../../migration.ts';

export const watchdog: MigrationStep = {
  async up() {},
  async down() {},
};
