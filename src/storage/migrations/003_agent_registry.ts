import type { Migration, MigrationStep } from '../migration.ts';

const state: MigrationStep = {
  async up() {},
  async down() {},
};

export const agentRegistry: Migration = { name: '003_agent_registry', state };
