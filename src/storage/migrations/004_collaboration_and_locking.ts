import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up() {},
  async down() {},
};

export const collaborationAndLocking: Migration = { name: '004_collaboration_and_locking', state };
