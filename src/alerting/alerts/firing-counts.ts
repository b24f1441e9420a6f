import type { StateDatabase } from '#storage';

/** The firing alerts of one severity. */
export interface FiringCount {
  readonly severity: string;
  readonly firing: number;
  /** Those of them that nobody has acknowledged. */
  readonly unacknowledged: number;
}

/** Rows a statement looks at: the count of 10,000 alerts stops nothing for longer than the count of these. */
const ROWS_AT_ONCE = 1_000;

/** How many alerts fire, by severity. Read in stretches: an alert that begins or ends meanwhile may count or not. */
export async function countFiring({ reader }: StateDatabase): Promise<readonly FiringCount[]> {
  const counts = new Map<string, { severity: string; firing: number; unacknowledged: number }>();
  let last: { readonly fired_at_ms: number; readonly id: string } | undefined;
  do {
    const after = last;
    let query = reader
      .selectFrom('alerts')
      .select(['severity', 'acknowledged_by', 'fired_at_ms', 'id'])
      .where('state', '=', 'firing')
      .orderBy('fired_at_ms', 'desc')
      .orderBy('id', 'desc')
      .limit(ROWS_AT_ONCE);
    if (after) {
      query = query.where((row) =>
        row(row.refTuple('fired_at_ms', 'id'), '<', row.tuple(after.fired_at_ms, after.id)),
      );
    }
    const rows = await query.execute();
    for (const { severity, acknowledged_by: by } of rows) {
      const count = counts.get(severity) ?? { severity, firing: 0, unacknowledged: 0 };
      counts.set(severity, count);
      count.firing += 1;
      if (by === null) count.unacknowledged += 1;
    }
    last = rows.length < ROWS_AT_ONCE ? undefined : rows.at(-1);
  } while (last);
  return [...counts.values()];
}
