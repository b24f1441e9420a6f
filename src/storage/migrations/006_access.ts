import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up() {},
  async down() {},
};

export const access: Migration = { name: '006_access', state };
