import { useSyncExternalStore } from 'react';
import type { LiveState } from '../api/live.ts';
import { useServer } from '../api/server-context.tsx';

/** How the stream of live events is doing. */
export function useLiveState(): LiveState {
  const { live } = useServer();
  return useSyncExternalStore(
    (onChange) => live.watch(onChange),
    () => live.state,
  );
}
