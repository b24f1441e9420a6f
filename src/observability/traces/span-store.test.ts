import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTestTelemetryDatabase, type TelemetryDatabase } from '#storage';
import { VirtualClock } from '#telemetry';
import { createSpanStore, type SpanStore } from './span-store.ts';
import type { StoredSpan } from './stored-span.ts';

const MIB = 1024 * 1024;
const traceId = 'a'.repeat(32);

let database: TelemetryDatabase;
let store: SpanStore;
beforeEach(async () => {
  const clock = new VirtualClock();
  database = await openTestTelemetryDatabase(clock, 'none');
  store = createSpanStore(database, clock);
});
afterEach(() => database.close());

/** Spans of one trace, each of which starts after the one before and has an attribute of so many characters. */
function spans(count: number, characters: number): readonly StoredSpan[] {
  return Array.from({ length: count }, (_, at) => ({
    traceId,
    spanId: at.toString(16).padStart(16, '0'),
    parentSpanId: null,
    name: 'span',
    kind: 'internal',
    serviceName: 'service',
    startUs: at,
    endUs: at,
    status: 'unset',
    statusMessage: null,
    attributes: { text: 'x'.repeat(characters) },
    links: [],
    events: [],
  }));
}

it('reads the first spans of a trace as far as 32 MiB go, in order', async () => {
  // The brackets and the key of the attribute, and the brackets of links and events.
  const rest = '{"text":""}[][]'.length;
  await store.insert(spans(33, MIB - rest));
  const found = await store.trace(traceId);
  expect(found.map(({ startUs }) => startUs)).toEqual(Array.from({ length: 32 }, (_, at) => at));
});

it('reads a trace of many small spans in order', async () => {
  await store.insert(spans(1201, 10));
  const found = await store.trace(traceId);
  expect(found.map(({ startUs }) => startUs)).toEqual(Array.from({ length: 1201 }, (_, at) => at));
});
