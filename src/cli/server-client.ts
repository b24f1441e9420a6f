import { findServer } from '#server';
import { messageOf, OmoiError } from '#telemetry';
import { answeredError } from './answered-error.ts';
import { CALL_TIMEOUT_MS, createLocalClient, type LocalClient, type Method } from './local-client.ts';
import { readLogins, tokenFor, type Environment } from './logins.ts';
import { addressOf, authorizationOf, unreached, whyUnanswered } from './server-address.ts';

/** How a command is told which server it asks, and how it answers. */
export interface ServerFlags {
  readonly dataDirectory?: string;
  /** Its token comes from $OMOI_TOKEN or a login: on a command line everybody on the machine would see it. */
  readonly url?: string;
  readonly json?: boolean;
}

/** One that goes on with what changes. */
export interface FollowFlags extends ServerFlags {
  readonly follow?: boolean;
}

/** Which server is asked: the one that runs on a directory, as its owner, or any other by its address. */
export type Server = { readonly kind: 'local'; readonly dataDirectory: string } | FarServer;

interface FarServer {
  readonly kind: 'remote';
  readonly url: string;
  readonly token: string | null;
}

/** Calls a server; errors have the server's own code, or are `not_found` where none runs. */
export type ServerClient = Pick<LocalClient, 'call'>;

const DEFAULT_DIRECTORY = '.omoi';

/**
 * Which server is meant, by the first that says something: the options, $OMOI_URL, $OMOI_DATA_DIRECTORY, a server that
 * runs on `.omoi` here, the last login.
 */
export function serverOf(
  { url, dataDirectory }: Pick<ServerFlags, 'url' | 'dataDirectory'>,
  env: Environment = process.env,
): Server {
  const address = url ?? (dataDirectory === undefined ? env['OMOI_URL'] : undefined);
  if (address !== undefined && (url !== undefined || address !== '')) return farServer(address, env);
  const directory = dataDirectory ?? env['OMOI_DATA_DIRECTORY'];
  if (directory !== undefined && directory !== '') return { kind: 'local', dataDirectory: directory };
  const last = findServer(DEFAULT_DIRECTORY) ? null : readLogins(env).current;
  return last === null ? { kind: 'local', dataDirectory: DEFAULT_DIRECTORY } : farServer(last, env);
}

/** The server at an address, with the token that this person has for it. */
export function farServer(url: string, env: Environment): FarServer {
  // A secret that comes from a file often ends with a line break.
  const given = (env['OMOI_TOKEN'] ?? '').trim();
  return { kind: 'remote', url, token: given === '' ? tokenFor(url, env) : given };
}

/**
 * @param timeoutMs for how long an answer from elsewhere is waited for
 * @throws OmoiError `not_found` where none runs on the directory, or it has no owner's socket
 */
export function clientOf(server: Server, timeoutMs: number = CALL_TIMEOUT_MS): ServerClient {
  return server.kind === 'local'
    ? ownerClient(server.dataDirectory)
    : { call: (method, path, body) => callFar(server, { method, path, body, timeoutMs }) };
}

/** Reads a path of the server's. @throws OmoiError with the server's own code, or `not_found` where none runs */
export async function readFrom(server: Server, path: string): Promise<unknown> {
  return clientOf(server).call('GET', path);
}

/** Where a person reaches the server. @throws OmoiError `not_found` where none runs */
export function urlOf(server: Server): string {
  return server.kind === 'remote' ? server.url : runningOn(server.dataDirectory).url;
}

/** The server of a directory, reached as its owner: what protects it is the directory's permissions. */
function ownerClient(dataDirectory: string): ServerClient {
  const running = runningOn(dataDirectory);
  if (running.socket === null) {
    throw new OmoiError(
      'not_found',
      `the server on ${dataDirectory} has no owner's socket (access.owner_socket: off); ask --url ${running.url} with a token in $OMOI_TOKEN`,
    );
  }
  const client = createLocalClient(() => findServer(dataDirectory));
  return {
    call: (method, path, body) =>
      client.call(method, path, body).catch((thrown: unknown) => {
        if (thrown instanceof OmoiError) throw thrown;
        throw unreached(`the server on ${dataDirectory} does not answer: ${messageOf(thrown)}`);
      }),
  };
}

function runningOn(dataDirectory: string): { readonly url: string; readonly socket: string | null } {
  const running = findServer(dataDirectory);
  if (running) return running;
  const problem = `no server runs on ${dataDirectory}; start one, name its --data-directory or --url, or log in to one (omoi login URL)`;
  throw new OmoiError('not_found', problem);
}

interface FarCall {
  readonly method: Method;
  readonly path: string;
  readonly body: unknown;
  readonly timeoutMs: number;
}

async function callFar(
  { url, token }: FarServer,
  { method, path, body, timeoutMs }: FarCall,
): Promise<unknown> {
  const address = addressOf(url, path);
  const headers = {
    ...authorizationOf(token),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  };
  const sent = {
    method,
    headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const response = await fetch(address, sent).catch((thrown: unknown) => {
    if (thrown instanceof Error && thrown.name === 'TimeoutError') throw noAnswer(address, timeoutMs);
    throw whyUnanswered(thrown, address);
  });
  const answer = await answerOf(response).catch((thrown: unknown) => {
    if (thrown instanceof Error && thrown.name === 'TimeoutError') throw noAnswer(address, timeoutMs);
    // The connection broke off amid the answer.
    if (thrown instanceof TypeError) throw whyUnanswered(thrown, address);
    const problem = `what answers at ${address.origin} (status ${response.status}) is no Omoi server`;
    throw new OmoiError('not_found', problem);
  });
  if (!response.ok) {
    const refusal = answeredError(answer, address.origin);
    throw withLogin(refusal, { origin: address.origin, token });
  }
  return answer;
}

/** Whoever types a command sends no header: says what they do instead. */
function withLogin(error: Error, { origin, token }: { origin: string; token: string | null }): Error {
  if (!(error instanceof OmoiError) || error.code !== 'unauthenticated') return error;
  const wrong =
    token === null
      ? `${origin} asks who you are`
      : `${origin} does not know your token: it is mistyped, expired, revoked or another server's`;
  const help = `log in (omoi login ${origin}) or put a token into $OMOI_TOKEN; the owner of the server's data directory needs none with --data-directory`;
  return new OmoiError('unauthenticated', `${wrong}: ${help}`, error.details);
}

function noAnswer({ origin }: URL, timeoutMs: number): OmoiError {
  return unreached(`what listens at ${origin} has not answered within ${timeoutMs / 1000} s`);
}

async function answerOf(response: Response): Promise<unknown> {
  const answered = await response.text();
  return answered === '' && response.ok ? null : JSON.parse(answered);
}
