import { followEvents } from './event-feed.ts';
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
      const row = await rows.read(id);
      if (row !== null) rows.print(row);
    }
  };
  const follow = async (): Promise<void> => {
    for await (const message of followEvents(server, feedOptions(rows.types, ending.signal))) {
      if (message.kind !== 'event') {
        changed.clear();
        await printing;
        await rows.printAll();
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

/** Prints each event. @param printed whether something was printed already */
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
