import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /\r\ncontent-length: (\d+)/i;
const IN_CHUNKS = /\r\ntransfer-encoding: chunked/i;
const LINE_END = Buffer.from('\r\n');
const JSON_TYPE = 'content-type: application/json\r\n';
const NOTHING = Buffer.alloc(0);

export interface OutgoingRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: string | Uint8Array;
  /** Lines that end with CRLF; that the body is JSON where absent. */
  readonly headers?: string;
}

/** The server answered with an error. */
export class RefusedRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * One HTTP/1.1 connection that is kept alive, with one request in flight. Knows no more of HTTP than Omoi's JSON
 * answers need, so that the one who measures takes little of the machine from the one who is measured.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #head: string;
  #received: Buffer = NOTHING;
  #settle: { resolve: (body: string) => void; reject: (error: Error) => void } | null = null;
  #isOpen = true;

  private constructor(socket: Socket, head: string) {
    this.#socket = socket;
    this.#head = head;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#received = this.#received.length === 0 ? bytes : Buffer.concat([this.#received, bytes]);
      this.#read();
    });
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    socket.on('error', (error) => this.#fail(error));
  }

  static async open(url: string, token: string | null): Promise<Connection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const authorization = token === null ? '' : `authorization: Bearer ${token}\r\n`;
    return new Connection(socket, `host: ${host}\r\n${authorization}`);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @returns the body of the answer @throws RefusedRequest when the answer is an error */
  post(path: string, body: string): Promise<string> {
    return this.send({ method: 'POST', path, body });
  }

  /** @returns the body of the answer @throws RefusedRequest when the answer is an error */
  send({ method, path, body = '', headers = JSON_TYPE }: OutgoingRequest): Promise<string> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) {
        reject(new Error('the server closed the connection'));
        return;
      }
      this.#settle = { resolve, reject };
      const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      const type = length === 0 ? '' : headers;
      const head = `${method} ${path} HTTP/1.1\r\n${this.#head}${type}content-length: ${length}\r\n\r\n`;
      if (typeof body === 'string') this.#socket.write(head + body);
      else {
        this.#socket.cork();
        this.#socket.write(head);
        this.#socket.write(body);
        this.#socket.uncork();
      }
    });
  }

  close(): void {
    this.#settle = null;
    this.#isOpen = false;
    this.#socket.destroy();
  }

  #fail(error: Error): void {
    this.#isOpen = false;
    this.#settle?.reject(error);
    this.#settle = null;
  }

  #read(): void {
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const start = headEnd + HEAD_END.length;
    const found = IN_CHUNKS.test(head)
      ? chunkedBody(this.#received, start)
      : lengthBody(this.#received, start, Number(LENGTH.exec(head)?.[1] ?? 0));
    if (!found) return;
    const body = found.bytes.toString('utf8');
    this.#received = this.#received.subarray(found.end);
    const settle = this.#settle;
    this.#settle = null;
    if (head.startsWith('HTTP/1.1 2')) settle?.resolve(body);
    else settle?.reject(new RefusedRequest(Number(head.slice(9, 12)), `${head.split('\r\n', 1)[0]} ${body}`));
  }
}

interface Body {
  readonly bytes: Buffer;
  /** Where the next answer begins. */
  readonly end: number;
}

/** Null where not all of it has come yet. */
function lengthBody(received: Buffer, start: number, length: number): Body | null {
  const end = start + length;
  return received.length < end ? null : { bytes: received.subarray(start, end), end };
}

/** As `lengthBody`, of a body in chunks without trailers: what Omoi makes while it sends it. */
function chunkedBody(received: Buffer, start: number): Body | null {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = received.indexOf(LINE_END, at);
    if (lineEnd < 0) return null;
    const length = Number.parseInt(received.toString('latin1', at, lineEnd), 16);
    const from = lineEnd + LINE_END.length;
    at = from + length + LINE_END.length;
    if (received.length < at) return null;
    if (length === 0) return { bytes: Buffer.concat(chunks), end: at };
    chunks.push(received.subarray(from, from + length));
  }
}
