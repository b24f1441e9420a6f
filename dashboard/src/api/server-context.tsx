import { createContext, useContext } from 'react';
import type { ApiClient } from './client.ts';
import type { Contact } from './contact.ts';
import type { LiveEvents } from './live.ts';

/** What every page needs of the server. */
export interface Server {
  readonly client: ApiClient;
  readonly live: LiveEvents;
  readonly contact: Contact;
}

const ServerContext = createContext<Server | null>(null);

export const ServerProvider = ServerContext.Provider;

export function useServer(): Server {
  const server = useContext(ServerContext);
  if (server === null) throw new Error('useServer is called outside of its provider');
  return server;
}
