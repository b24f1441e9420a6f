// A process that is killed inside an event handler, after the handler's writes and before their commit.
import { createEventBus } from '#eventbus';
import { createSeededRandom, createSystemClock, SelfMetrics, silentLogger } from '#telemetry';
import { openPlace, type StatePlace } from './state-places.ts';

const place = JSON.parse(process.argv[2] ?? '') as StatePlace;
const database = await openPlace(place);
const bus = createEventBus({
  database,
  clock: createSystemClock(),
  random: createSeededRandom(1),
  logger: silentLogger,
  metrics: new SelfMetrics(),
});
bus.consume({
  name: 'dying',
  types: ['fleet.task.enqueued'],
  from: 'start',
  async handle(tx, [event]) {
    await tx.db
      .insertInto('event_cursors')
      .values({ consumer: `note-${event?.entity_id}`, last_event_id: 0, updated_at_ms: 0 })
      .execute();
    process.kill(process.pid, 'SIGKILL');
  },
});
setInterval(() => undefined, 60_000);
