import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventBus, type EventBus } from '#eventbus';
import { openTestStateDatabase, type StateDatabase } from '#storage';
import { createSeededRandom, SelfMetrics, silentLogger, VirtualClock } from '#telemetry';
import { newEpisode } from './episode.test-support.ts';
import { EpisodeWriter, type NewEpisode } from './episode-writer.ts';

let database: StateDatabase;
let bus: EventBus;
let writer: EpisodeWriter;

beforeEach(async () => {
  const clock = new VirtualClock();
  database = await openTestStateDatabase(clock, 'none');
  const random = createSeededRandom(1);
  bus = createEventBus({ database, clock, random, logger: silentLogger, metrics: new SelfMetrics() });
  writer = new EpisodeWriter(database, bus);
});
afterEach(async () => {
  await bus.stop();
  await database.close();
});

const NOTHING_SAVED = { ruleKey: 'fleet/Silent', put: [], remove: [] };
const begin = (...begun: readonly NewEpisode[]) => writer.write({ begun, ended: [], saved: NOTHING_SAVED });
const triggered = async (): Promise<readonly string[]> =>
  (await bus.list({ types: ['monitor.alert.triggered'], limit: 10 })).map(({ entity_id }) => entity_id);

describe('an episode that begins', () => {
  it('is written with its event', async () => {
    expect((await begin(newEpisode('a1', 'one'))).opened).toMatchObject([{ alertId: 'a1' }]);
    expect(await triggered()).toEqual(['a1']);
  });

  it('where the rule has a firing row for its labels is that row, and tells of nothing new', async () => {
    await begin(newEpisode('a1', 'one'));
    // As after a commit of which it was not known whether it went through.
    const { opened } = await begin(newEpisode('a2', 'one'), newEpisode('a3', 'two'));
    expect(opened).toMatchObject([{ alertId: 'a1' }, { alertId: 'a3' }]);
    expect(await triggered()).toEqual(['a1', 'a3']);
    const rows = await database.reader.selectFrom('alerts').select('id').orderBy('id').execute();
    expect(rows).toEqual([{ id: 'a1' }, { id: 'a3' }]);
  });

  it('is marked with the maintenance of what it is about, in its row and its event', async () => {
    const marking = new EpisodeWriter(database, bus, ({ name }) => (name === 'one' ? 'mnt_1' : null));
    const episodes = ['one', 'two'].map((name) => ({ ...newEpisode(name, name), labels: { name } }));
    await marking.write({ begun: episodes, ended: [], saved: NOTHING_SAVED });
    const rows = await database.reader.selectFrom('alerts').select('maintenance_id').orderBy('id').execute();
    expect(rows.map((row) => row.maintenance_id)).toEqual(['mnt_1', null]);
    const events = await bus.list({ types: ['monitor.alert.triggered'], limit: 10 });
    expect(events.map(({ payload }) => 'maintenance_id' in payload && payload.maintenance_id)).toEqual([
      'mnt_1',
      false,
    ]);
  });
});
