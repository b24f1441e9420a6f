import { useSyncExternalStore } from 'react';
import { useServer } from '../api/server-context.tsx';

/** Since when the server does not answer, by the browser's clock, ms since epoch; null while it does. */
export function useLostSince(): number | null {
  const { contact } = useServer();
  return useSyncExternalStore(
    (onChange) => contact.watch(onChange),
    () => contact.lostSinceMs,
  );
}
