import { OmoiError } from '#telemetry';

/**
 * Writes telemetry; on a full disk the oldest of it goes before the error is passed on, so that a second try finds
 * room. (Freed pages are used again: the file does not shrink, and the rest of the disk is left to others.)
 */
export async function writeOrMakeRoom(
  write: () => Promise<void>,
  store: { dropOldest(): Promise<void> },
): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (error instanceof OmoiError && error.code === 'storage_full') await store.dropOldest();
    throw error;
  }
}
