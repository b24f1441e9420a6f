import type { MigrationStep } from '../../migration.ts';

export const monitor: MigrationStep = {
  async up() {},
  async down() {},
};
