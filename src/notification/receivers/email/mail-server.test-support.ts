import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { TEST_SERVER_CERTIFICATE, TEST_SERVER_KEY } from '../certificates.test-support.ts';

/** A mail as a server got it. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, without the doubled dots. */
  readonly content: string;
  readonly isEncrypted: boolean;
  readonly user: unknown;
}

/** A refusal of a server: `450 4.2.0 Greylisted`. */
export function refusal(answer: string): Error {
  return Object.assign(new Error(answer.slice(4)), { responseCode: Number(answer.slice(0, 3)) });
}

/** A real SMTP server on loopback that offers STARTTLS with the certificate for tests, and takes every mail. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  readonly #server: SMTPServer;

  constructor(options: SMTPServerOptions = {}) {
    this.#server = new SMTPServer({
      key: TEST_SERVER_KEY,
      cert: TEST_SERVER_CERTIFICATE,
      authOptional: true,
      disableReverseLookup: true,
      closeTimeout: 1,
      onData: (stream, session, callback) => {
        const pieces: Buffer[] = [];
        stream.on('data', (piece: Buffer) => pieces.push(piece));
        stream.on('end', () => {
          this.received.push({
            from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
            to: session.envelope.rcptTo.map(({ address }) => address),
            content: Buffer.concat(pieces).toString('utf8'),
            isEncrypted: session.secure,
            user: session.user,
          });
          callback(null, 'Ok: queued as 4F2');
        });
      },
      ...options,
    });
    // A client that does not trust the certificate breaks off.
    this.#server.on('error', () => undefined);
  }

  async open(): Promise<this> {
    const listening = this.#server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    return this;
  }

  get port(): number {
    return portOf(this.#server.server);
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}

/** In place of an answer: the connection ends. */
export const HANG_UP = '(hangs up)';

/** What says only what a test gives it to say: one answer to each thing that a client says, the first to its coming. */
export class ScriptedMailServer {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  /** @param converse gets what a client says (the greeting is asked for with '') and answers, hangs up or says nothing */
  constructor(converse: (said: string) => string | null) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      const react = (said: string): void => {
        const answer = converse(said);
        if (answer === HANG_UP) socket.destroy();
        else if (answer !== null) socket.write(`${answer}\r\n`);
      };
      socket.on('data', (data) => react(data.toString('utf8')));
      react('');
    });
  }

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get port(): number {
    return portOf(this.#server);
  }

  get openConnections(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** The headers of a mail by their names in lower case, unfolded but not decoded. */
export function headersOf(content: string): Readonly<Record<string, string>> {
  const [head = ''] = content.split('\r\n\r\n');
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}

/** What a header says, its encoded words (UTF-8, Q or B) decoded. */
export function decodedHeader(value: string): string {
  return value
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString('utf8')
        : quotedPrintable(text.replaceAll('_', ' ')),
    );
}

/** Quoted-printable decoded. */
export function quotedPrintable(text: string): string {
  const joined = text.replaceAll(/=\r?\n/g, '');
  const bytes = joined.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
