import { afterEach, beforeEach, expect, it } from 'vitest';
import { nextTurn } from '#telemetry';
import {
  openSilences,
  orderOf,
  HOUR_MS,
  STARTED_AT_MS,
  type SilencesStage,
} from './silences.test-support.ts';
import { DEFAULT_SILENCE_LIMITS } from './silence-limits.ts';

const { maxSilences } = DEFAULT_SILENCE_LIMITS;
const ROWS_AT_ONCE = 500;

let stage: SilencesStage;
beforeEach(async () => {
  stage = await openSilences();
});
afterEach(() => stage.close());

/** As many silences as there may be, which all end in an hour. */
async function fill(): Promise<void> {
  const rows = Array.from({ length: maxSilences }, (_, at) => ({
    id: `${String(at).padStart(8, '0')}-0000-4000-8000-000000000000`,
    matcher_sets: JSON.stringify([
      [
        ['alertname', '=', 'Down'],
        ['instance', '=', `web-${at}`],
      ],
    ]),
    starts_at_ms: STARTED_AT_MS,
    ends_at_ms: STARTED_AT_MS + HOUR_MS,
    created_by: 'ann',
    set_by: 'ann',
    comment: '',
    annotations: '{}',
    created_at_ms: STARTED_AT_MS,
    updated_at_ms: STARTED_AT_MS,
    until_resolved: 0,
  }));
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) {
    await stage.database.transaction((tx) =>
      tx.db
        .insertInto('silences')
        .values(rows.slice(at, at + ROWS_AT_ONCE) as never)
        .execute(),
    );
  }
  await stage.restart();
}

it('as many as there may be are taken up, found, and end together, while people are served', async () => {
  await fill();
  expect(stage.silences.list()).toHaveLength(maxSilences);
  await expect(stage.silences.set(orderOf('a=b'))).rejects.toMatchObject({ code: 'too_many_silences' });
  for (let at = 0; at < maxSilences; at += 100) {
    const labels = { alertname: 'Down', instance: `web-${at}` };
    expect(stage.silences.silencesOf(labels, stage.clock.wallMs())).toHaveLength(1);
  }
  const ended: string[] = [];
  stage.silences.onChanged((silences) => ended.push(...silences.map(({ id }) => id)));
  const over = stage.clock.advance(HOUR_MS);
  while (ended.length === 0) await nextTurn();
  const between = await stage.silences.set(orderOf('a=b', { endsAtMs: STARTED_AT_MS + 2 * HOUR_MS }));
  expect(ended.indexOf(between.id)).toBeLessThan(maxSilences / 10);
  await over;
  for (let guard = 0; stage.silences.list().length > 1 && guard < maxSilences; guard++)
    await stage.clock.advance(1);
  expect(stage.silences.list().map(({ id }) => id)).toEqual([between.id]);
  expect(new Set(ended).size).toBe(maxSilences + 1);
});
