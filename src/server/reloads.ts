import { SerialQueue } from '#telemetry';

/**
 * Reloads come one after the other: one that has read its files is done before the next reads them, so that of two that are
 * asked for at once the files of the later one stay in force.
 */
export function reloadsInTurn<Report>(reload: () => Promise<Report>): () => Promise<Report> {
  const turns = new SerialQueue();
  return () => turns.run(reload);
}
