import { openStateDatabase, type StateDatabase } from '#storage';
import { createSystemClock, silentLogger, type Clock } from '#telemetry';
import { serverProcesses } from '../../src/server/own-process.ts';

/** What `openStateDatabase` needs to find the same database again, also from another process. */
export type StatePlace = { readonly directory: string } | { readonly url: string };

export function openPlace(place: StatePlace, clock: Clock = createSystemClock()): Promise<StateDatabase> {
  const processes = serverProcesses();
  return openStateDatabase({ ...place, clock, logger: silentLogger, role: 'server', processes });
}
