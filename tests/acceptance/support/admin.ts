import { Client } from './client.ts';
import { omoi, type OmoiServer } from './omoi-process.ts';

/** Who may do everything, by a token that the owner of the data directory has made. */
export async function adminOf(server: Pick<OmoiServer, 'url'>, dataDirectory: string): Promise<Client> {
  const create = ['token', '--data-directory', dataDirectory, 'create', 'tests', '--role', 'admin'];
  const { stdout } = await omoi(create);
  return new Client(() => server.url, stdout.trim());
}
