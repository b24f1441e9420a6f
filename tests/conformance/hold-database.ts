// A process that opens a database as a server would, writes a row, says so, and stays until it is killed.
import { openPlace, type StatePlace } from './state-places.ts';

const place = JSON.parse(process.argv[2] ?? '') as StatePlace;
const database = await openPlace(place);
await database.transaction((tx) =>
  tx.db
    .insertInto('event_cursors')
    .values({ consumer: 'held', last_event_id: 1, updated_at_ms: tx.nowMs })
    .execute(),
);
process.stdout.write('held\n');
setInterval(() => undefined, 60_000);
