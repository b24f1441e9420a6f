import { messageOf } from '#telemetry';
import type { Logging } from '#observability';

/** What of the process is listened to. */
export type EndingProcess = Pick<NodeJS.Process, 'on' | 'off'>;

/**
 * Says in the log why the process ends where nobody has stopped the server in order: a mistake that nothing has caught, or whoever has
 * called it off. What it says to the standard error is often kept nowhere. That it ends is not changed.
 * @returns what makes it fall silent: the server has stopped in order
 */
export function tellLastWords(
  logging: Pick<Logging, 'logger' | 'flushNow'>,
  ending: EndingProcess,
): () => void {
  const logger = logging.logger('server');
  let isTold = false;
  const tell = (fields: object, message: string): void => {
    if (!isTold) logger.error(fields, message);
    isTold = true;
    logging.flushNow();
  };
  const uncaught = (thrown: unknown, origin: string): void =>
    tell(
      {
        error: messageOf(thrown),
        origin,
        ...(thrown instanceof Error && thrown.stack !== undefined && { stack: thrown.stack }),
      },
      'Omoi ends: a mistake of the program that nothing has caught. Start it again, what is on disk holds; please report this line.',
    );
  const exit = (code: number): void =>
    tell(
      { exit_code: code },
      'Omoi ends without an orderly stop. The lines before this one and the standard error say why.',
    );
  ending.on('uncaughtExceptionMonitor', uncaught);
  ending.on('exit', exit);
  return () => {
    ending.off('uncaughtExceptionMonitor', uncaught);
    ending.off('exit', exit);
  };
}
