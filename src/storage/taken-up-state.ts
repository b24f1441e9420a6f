import { momentOf, TakenUpClock, type Boot, type Clock } from '#telemetry';
import type { StateDatabase } from './database.ts';

/** Of what is older than so many boots, the wall clock of the oldest says how long ago it was. */
const maxBoots = 32;

/**
 * Takes up the state in this boot: the first time it is written down what both clocks show, so that durations which began in
 * another boot go on by the boot clock from here on.
 * @returns the clock by which the state is worked on
 * @throws what the database throws
 */
export async function takeUpState(database: StateDatabase, clock: Clock): Promise<Clock> {
  const boots = await database.transaction(async (tx) => {
    const rows = await tx.db.selectFrom('state_boots').selectAll().orderBy('boot_no').execute();
    const known = rows.map((row): Boot => ({
      bootId: row.boot_id,
      bootMs: row.boot_ms,
      wallMs: row.wall_ms,
    }));
    const now = momentOf(clock, tx.nowMs);
    const last = known.at(-1);
    if (last && last.bootId === now.bootId && last.bootMs <= now.bootMs) return known;
    const boot: Boot = {
      bootId: now.bootId,
      bootMs: Math.floor(now.bootMs),
      wallMs: Math.floor(now.wallMs),
    };
    const boot_no = (rows.at(-1)?.boot_no ?? 0) + 1;
    const row = { boot_no, boot_id: boot.bootId, boot_ms: boot.bootMs, wall_ms: boot.wallMs };
    await tx.db.insertInto('state_boots').values(row).execute();
    await tx.db
      .deleteFrom('state_boots')
      .where('boot_no', '<=', boot_no - maxBoots)
      .execute();
    return [...known, boot].slice(-maxBoots);
  });
  return new TakenUpClock(clock, boots);
}
