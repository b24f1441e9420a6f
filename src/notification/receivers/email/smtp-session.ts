import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import type SmtpConnection from 'nodemailer/lib/smtp-connection';
import { nextTurn, type Clock, type Timer } from '#telemetry';
import type { CheckedNetwork } from '../http/checked-lookup.ts';
import { authenticate, type SmtpLogin } from './smtp-authentication.ts';
import type { ComposedMail } from './mail-content.ts';

/** Where mail is handed over, and how. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** What the client calls itself in EHLO. */
  readonly hello: string;
  /** `implicit`: TLS from the first byte. `starttls`: refused where the server does not offer it. `none`: never asked for. */
  readonly encryption: 'implicit' | 'starttls' | 'none';
  readonly tls: ConnectionOptions;
  /** Null: nobody logs in. */
  readonly login: SmtpLogin | null;
}

/** How long a step may take; the whole has the deadline of its signal. */
export interface SmtpDeadlines {
  /** Until the session is set up: the name resolved, connected, greeted, encrypted. */
  readonly setupMs: number;
  /** Until the server greets. */
  readonly greetingMs: number;
  /** In which the server says nothing. */
  readonly silenceMs: number;
  /** After the mail was taken: in which the server may say goodbye. */
  readonly quitMs: number;
}

export const SMTP_DEADLINES: SmtpDeadlines = {
  setupMs: 30_000,
  greetingMs: 20_000,
  silenceMs: 40_000,
  quitMs: 2_000,
};

/** A recipient that the server would not take, while it took others. */
export interface RefusedRecipient {
  readonly recipient: string;
  /** The server's words: `450 4.2.0 Greylisted`. */
  readonly answer: string;
  readonly isTemporary: boolean;
}

export interface HandedOver {
  /** The server's last words: `250 2.0.0 Ok: queued as 4F2`. */
  readonly answer: string;
  readonly accepted: readonly string[];
  readonly refused: readonly RefusedRecipient[];
}

export interface SmtpOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly network: CheckedNetwork;
  readonly signal: AbortSignal;
  readonly deadlines: SmtpDeadlines;
}

/** Which step a failure came in; beyond `message` the mail may have been taken although nobody heard so. */
export type SmtpStep = 'connect' | 'login' | 'message';

/** Why a mail was not taken, with the error of the client below. */
export class SmtpFailure extends Error {
  override readonly name = 'SmtpFailure';
  readonly step: SmtpStep;

  constructor(step: SmtpStep, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.step = step;
  }
}

/**
 * Hands one mail over in a connection of its own. Some of its recipients may have been refused all the same.
 * @throws SmtpFailure
 */
export async function handOver(
  server: SmtpServer,
  mail: ComposedMail,
  { signal, deadlines, clock, network }: SmtpOptions,
): Promise<HandedOver> {
  let step: SmtpStep = 'connect';
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const onAbort = () => broken.reject(failureOfClient('EABORT', 'the time for it is over'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const host = server.host || 'localhost';
  let socket: Socket | null = null;
  let connection: SmtpConnection | null = null;
  try {
    // An address is not looked up, and a name only here: no second answer of a name server can lead elsewhere.
    network.guard.checkLiteral(host);
    socket = connect({ host, port: server.port, autoSelectFamily: true, lookup: network.lookup });
    await Promise.race([broken.promise, opened(socket, deadlines.setupMs)]);
    connection = await connectionOver(socket, server, deadlines);
    connection.on('error', broken.reject);
    await Promise.race([broken.promise, connected(connection)]);
    step = 'login';
    if (server.login !== null) await Promise.race([broken.promise, loggedIn(connection)]);
    step = 'message';
    const sent = await Promise.race([broken.promise, delivered(connection, mail)]);
    leave(connection, clock.after(deadlines.quitMs, connection.close.bind(connection)));
    return sent;
  } catch (thrown) {
    if (connection === null) socket?.destroy();
    else connection.close();
    throw new SmtpFailure(step, thrown);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Says goodbye. The mail has been taken: nobody waits, and a server that does not answer is left when its time is over. */
function leave(connection: SmtpConnection, deadline: Timer): void {
  connection.once('end', () => deadline.cancel());
  connection.quit();
}

/** Not a mechanism of SMTP, but the name under which the client calls our choice among those of the server. */
const CHOSEN_MECHANISM = 'CHOSEN';

/**
 * Resolves when the socket is open. The client could open one itself, but would ask name servers before `/etc/hosts` and
 * go on with an address of minutes ago.
 */
function opened(socket: Socket, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(failureOfClient('ETIMEDOUT', 'no connection'));
    socket.setTimeout(withinMs, late);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0, late);
      socket.off('error', reject);
      resolve();
    });
  });
}

function failureOfClient(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

async function connectionOver(
  socket: Socket,
  server: SmtpServer,
  deadlines: SmtpDeadlines,
): Promise<SmtpConnection> {
  const { login } = server;
  // Not before there is a mail: it loads the client behind `fetch` too, 5 MB.
  const { default: Connection } = await import('nodemailer/lib/smtp-connection');
  return new Connection({
    connection: socket,
    host: server.host,
    port: server.port,
    name: server.hello,
    secure: server.encryption === 'implicit',
    requireTLS: server.encryption === 'starttls',
    ignoreTLS: server.encryption === 'none',
    tls: server.tls,
    connectionTimeout: deadlines.setupMs,
    greetingTimeout: deadlines.greetingMs,
    socketTimeout: deadlines.silenceMs,
    socketCloseTimeout: 0,
    maxResponseSize: MAX_ANSWER_BYTES,
    ...(login === null
      ? {}
      : { customAuth: { [CHOSEN_MECHANISM]: (context) => authenticate(context, login, server) } }),
  });
}

/** No server needs as much for one answer. */
const MAX_ANSWER_BYTES = 65_536;

function connected(connection: SmtpConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error ? reject(error) : resolve()));
  });
}

function loggedIn(connection: SmtpConnection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.login({ method: CHOSEN_MECHANISM }, (error) => (error ? reject(error) : resolve()));
  });
}

function delivered(connection: SmtpConnection, { envelope, content }: ComposedMail): Promise<HandedOver> {
  const sized = { from: envelope.from, to: [...envelope.to], size: content.length };
  return new Promise((resolve, reject) => {
    connection.send(sized, Readable.from(piecesOf(content), { objectMode: false }), (error, sent) => {
      if (error) reject(error);
      else
        resolve({ answer: sent.response, accepted: sent.accepted, refused: refusedOf(sent.rejectedErrors) });
    });
  });
}

/** How much of a mail is looked through for lines of a dot at a time. */
const pieceBytes = 65_536;

async function* piecesOf(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += pieceBytes) {
    yield content.subarray(at, at + pieceBytes);
    await nextTurn();
  }
}

function refusedOf(
  errors: SmtpConnection.SentMessageInfo['rejectedErrors'] = [],
): readonly RefusedRecipient[] {
  return errors.map(({ recipient, response, permanent }) => ({
    recipient: recipient ?? '',
    answer: response ?? '',
    isTemporary: permanent === false,
  }));
}
