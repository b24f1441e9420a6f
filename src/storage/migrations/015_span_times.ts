import { sql } from 'kysely';
import type { Migration, MigrationStep } from '../migration.ts';

/** From here on an integer can't be read as a number: the year 2255 in microseconds. */
const MAX_READABLE_US = Number.MAX_SAFE_INTEGER;

/** Spans with times that nobody can read were once accepted, and every list of traces failed on them. */
const telemetry: MigrationStep = {
  async up(db) {
    await sql`delete from trace_spans
      where start_us not between 0 and ${MAX_READABLE_US} or end_us not between 0 and ${MAX_READABLE_US}`.execute(
      db,
    );
  },
  async down() {},
};

export const spanTimes: Migration = { name: '015_span_times', telemetry };
