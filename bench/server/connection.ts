import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;

/**
 * One HTTP/1.1 connection that is kept alive, with one request in flight. Knows no more of HTTP than Omoi's JSON
 * answers need, so that the one who measures takes little of the machine from the one who is measured.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #head: string;
  #received = '';
  #settle: { resolve: (body: string) => void; reject: (error: Error) => void } | null = null;

  private constructor(socket: Socket, head: string) {
    this.#socket = socket;
    this.#head = head;
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#read();
    });
    socket.on('close', () => this.#settle?.reject(new Error('the server closed the connection')));
    socket.on('error', (error) => this.#settle?.reject(error));
  }

  static async open(url: string, token: string): Promise<Connection> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new Connection(
      socket,
      `host: ${host}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`,
    );
  }

  /** @returns the body of the answer @throws when the answer is an error */
  post(path: string, body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(
        `POST ${path} HTTP/1.1\r\n${this.#head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
  }

  close(): void {
    this.#settle = null;
    this.#socket.destroy();
  }

  #read(): void {
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const end = headEnd + HEAD_END.length + Number(LENGTH.exec(head)?.[1] ?? 0);
    if (this.#received.length < end) return;
    const body = this.#received.slice(headEnd + HEAD_END.length, end);
    this.#received = this.#received.slice(end);
    const settle = this.#settle;
    this.#settle = null;
    if (head.startsWith('HTTP/1.1 2')) settle?.resolve(body);
    else settle?.reject(new Error(`${head.split('\r\n', 1)[0] ?? ''} ${body}`));
  }
}
