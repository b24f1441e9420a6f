import { useEffect, useState } from 'react';
import { useServer } from '../api/server-context.tsx';

/** Now by the server’s clock, ms since epoch; changes every second. */
export function useNow(): number {
  const { client } = useServer();
  const [nowMs, setNowMs] = useState(() => client.nowMs());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(client.nowMs()), 1_000);
    return () => clearInterval(timer);
  }, [client]);
  return nowMs;
}
