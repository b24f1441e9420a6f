import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up() {},
  async down() {},
};

export const tasks: Migration = { name: '002_tasks', state };
