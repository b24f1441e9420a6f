import { setTimeout as delay } from 'node:timers/promises';
import { followEvents } from './event-feed.ts';
import { isTransient } from './server-address.ts';
import type { Server } from './server-client.ts';
import { note } from './terminal/print.ts';
import type { SystemEvent } from '#telemetry';

export interface FollowedRows<Row> {
  readonly types: readonly string[];
  /** What an event is about here; null: nothing that is shown. */
  readonly idOf: (event: SystemEvent) => string | null;
  /** Null where it is gone, or is not to be shown. */
  readonly read: (id: string) => Promise<Row | null>;
  /** Prints all rows: at first, and where too much was missed. */
  readonly printAll: () => Promise<void>;
  readonly print: (row: Row) => void;
}

/**
 * Prints what there is, and then each row that changes. What changes several times until it is read is read once.
 * @throws OmoiError with the server's own code
 */
export async function followRows<Row>(server: Server, rows: FollowedRows<Row>): Promise<void> {
  const ending = new AbortController();
  const changed = new Set<string>();
  const failed = Promise.withResolvers<never>();
  let printing: Promise<void> | null = null;
  const printChanged = async (): Promise<void> => {
    for (const id of changed) {
      changed.delete(id);
      const row = await patiently(() => rows.read(id), ending.signal);
      if (row !== null) rows.print(row);
    }
  };
  const follow = async (): Promise<void> => {
    for await (const message of followEvents(server, feedOptions(rows.types, ending.signal))) {
      if (message.kind !== 'event') {
        changed.clear();
        await printing;
        await (message.kind === 'opened' ? rows.printAll() : patiently(rows.printAll, ending.signal));
        continue;
      }
      const id = rows.idOf(message.event);
      if (id === null) continue;
      changed.add(id);
      printing ??= printChanged()
        .catch(failed.reject)
        .finally(() => (printing = null));
    }
  };
  try {
    await Promise.race([follow(), failed.promise]);
  } finally {
    ending.abort();
  }
}

/** So that thousands of changes a second are shown, not replayed. */
const AT_MOST_EVERY_MS = 1000;

export interface FollowedWhole {
  readonly types: readonly string[];
  /** Whether an event may have changed what is printed; absent: each one. */
  readonly isMeant?: (event: SystemEvent) => boolean;
  readonly print: () => Promise<void>;
}

/**
 * Prints something as a whole, and again when it may have changed.
 * @throws what `print` throws, OmoiError with the server's own code
 */
export async function followWhole(
  server: Server,
  { types, isMeant = () => true, print }: FollowedWhole,
): Promise<void> {
  const failed = Promise.withResolvers<never>();
  const ending = new AbortController();
  let next: NodeJS.Timeout | null = null;
  const following = followEach(server, {
    types,
    onOpened: print,
    onEvent(event) {
      if (!isMeant(event)) return;
      next ??= setTimeout(() => {
        next = null;
        patiently(print, ending.signal).catch(failed.reject);
      }, AT_MOST_EVERY_MS);
    },
  });
  try {
    await Promise.race([following, failed.promise]);
  } finally {
    ending.abort();
  }
}

/** Long enough for a server to come up, and no load on one that is busy. */
const ASK_AGAIN_MS = 500;

/** Asks until the server is there to answer: it may go between telling of a change and being asked for it. */
async function patiently<Answer>(ask: () => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      if (!isTransient(thrown) || signal.aborted) throw thrown;
    }
    await delay(ASK_AGAIN_MS, null, { signal });
  }
}

/** Whether an event is about something, or names it in what it says. */
export function tellsOf(id: string): (event: SystemEvent) => boolean {
  return ({ entity_id: about, payload }) =>
    about === id || Object.values(payload).some((value) => value === id || isTarget(value, id));
}

function isTarget(value: unknown, id: string): boolean {
  return typeof value === 'object' && value !== null && 'id' in value && value.id === id;
}

/** Prints each event; `onOpened` when none is missed any more. */
export async function followEach(
  server: Server,
  {
    types,
    onOpened,
    onEvent,
  }: {
    readonly types: readonly string[];
    readonly onOpened: () => Promise<void>;
    readonly onEvent: (event: SystemEvent) => void;
  },
): Promise<void> {
  const ending = new AbortController();
  for await (const message of followEvents(server, feedOptions(types, ending.signal))) {
    if (message.kind === 'opened') await onOpened();
    else if (message.kind === 'event') onEvent(message.event);
    else note('too much has happened meanwhile: some events are missing here (omoi events lists them)');
  }
}

function feedOptions(types: readonly string[], signal: AbortSignal) {
  return {
    types,
    signal,
    onConnection: (state: 'lost' | 'back') =>
      note(state === 'lost' ? 'the server has gone; waiting for it …' : 'the server is back'),
  };
}
