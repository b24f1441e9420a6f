import { withTransactions, type StateDatabase } from '#storage';
import { isOutage } from '#telemetry';

/**
 * A database that tells when it could not commit, whichever part it was for: who relies on what others have written
 * may have missed something meanwhile.
 */
export function noticeOutages(database: StateDatabase, onOutage: (reason: string) => void): StateDatabase {
  return withTransactions(database, async (work, options) => {
    try {
      return await database.transaction(work, options);
    } catch (thrown) {
      if (isOutage(thrown)) onOutage(thrown.message);
      throw thrown;
    }
  });
}
