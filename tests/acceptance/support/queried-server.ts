import { encodeWriteRequest, snappy } from '../../remote-write-request.ts';
import { dataDirectory, omoi, OmoiServer } from './omoi-process.ts';

/** A running server with two series to ask for, and a token of each of two roles. */
export interface QueriedServer {
  readonly url: string;
  readonly directory: string;
  readonly viewerToken: string;
  readonly ingestToken: string;
  /** Unix seconds of the newest samples: `queue_depth{queue="mail"}` is 30 there, `…"print"` 130. */
  readonly now: number;
  stop(): Promise<void>;
}

/** Every 15 s for a minute, both depths grow by 7.5. */
const AGES_S = [60, 45, 30, 15, 0];

export async function startQueriedServer(): Promise<QueriedServer> {
  const directory = dataDirectory();
  const server = await OmoiServer.start(directory.path);
  const tokenOf = async (role: string): Promise<string> => {
    const made = await omoi(['token', '--data-directory', directory.path, 'create', role, '--role', role]);
    return made.stdout.trim();
  };
  const [viewerToken, ingestToken] = [await tokenOf('viewer'), await tokenOf('ingest')];
  const now = Math.floor(Date.now() / 1000);
  const series = ['mail', 'print'].map((queue, place) => ({
    labels: [
      ['__name__', 'queue_depth'],
      ['queue', queue],
    ] as const,
    samples: AGES_S.map((ageS) => ({
      timestampMs: (now - ageS) * 1000,
      value: 100 * place + (60 - ageS) / 2,
    })),
  }));
  const written = await fetch(`${server.url}/prometheus/api/v1/write`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ingestToken}`, 'content-type': 'application/x-protobuf' },
    body: Buffer.from(snappy(encodeWriteRequest(series))),
  });
  if (written.status !== 204) throw new Error(`${written.status} ${await written.text()}`);
  return {
    url: server.url,
    directory: directory.path,
    viewerToken,
    ingestToken,
    now,
    async stop() {
      await server.stop();
      directory.remove();
    },
  };
}
