import { useQuery } from '@tanstack/react-query';
import { sessionQuery } from '../api/queries.ts';
import { useServer } from '../api/server-context.tsx';

/** Whether whoever is logged in may act: acknowledge, decide, restart. */
export function useMayHandle(): boolean {
  const { client } = useServer();
  const { data: session } = useQuery(sessionQuery(client));
  const role = session?.principal.role;
  return role === 'operator' || role === 'admin';
}
