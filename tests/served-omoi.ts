import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const STARTS_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 50;

export interface ServeOptions {
  /** Whether the demo fleet runs too. */
  readonly demo?: boolean;
  /** `OMOI_…` on top of free ports and a directory of its own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A real `omoi serve` in a process of its own, on free ports and in a directory of its own. */
export interface ServedOmoi {
  readonly url: string;
  readonly dataDirectory: string;
  readonly pid: number;
  /** Asks as the owner of the data directory, who is admin. @throws Error when the answer is an error */
  asOwner(method: string, path: string, body?: object): Promise<unknown>;
  /** Ends the server as Ctrl-C does, and removes its directory. */
  stop(): Promise<void>;
}

/** Starts a server and waits until it is ready. */
export async function serveOmoi(options: ServeOptions = {}): Promise<ServedOmoi> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'omoi-served-'));
  const child = spawn(
    process.execPath,
    [
      '--conditions=omoi-source',
      '--disable-warning=ExperimentalWarning',
      MAIN,
      'serve',
      ...(options.demo === true ? ['--demo'] : []),
    ],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: {
        ...process.env,
        OMOI_DATA_DIRECTORY: dataDirectory,
        OMOI_HTTP_PORT: '0',
        OMOI_OTLP_PORT: '0',
        OMOI_LOG_DESTINATION: join(dataDirectory, 'server.log'),
        ...options.environment,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const complaints = text(child.stderr);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const announced = await announcement(join(dataDirectory, 'server.json'), child);
  if (announced === null) {
    child.kill('SIGKILL');
    throw new Error(`the server did not start: ${await complaints}`);
  }
  return {
    url: announced.url,
    dataDirectory,
    pid: announced.pid,
    asOwner: (method, path, body) => askLocally(announced.socket, { method, path, body }),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

interface Announcement {
  readonly url: string;
  readonly socket: string;
  readonly pid: number;
}

/** What the server says of itself once it is ready; null when it ended instead, or took too long. */
async function announcement(
  file: string,
  child: { readonly exitCode: number | null },
): Promise<Announcement | null> {
  for (let waitedMs = 0; waitedMs < STARTS_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Announcement;
    if (child.exitCode !== null) return null;
    await delay(LOOK_EVERY_MS);
  }
  return null;
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: object | undefined;
}

async function askLocally(socketPath: string, question: Question): Promise<unknown> {
  const payload = question.body === undefined ? null : JSON.stringify(question.body);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = payload === null ? {} : { 'content-type': 'application/json' };
    const { method, path } = question;
    const outgoing = request({ socketPath, method, path, headers }, resolve);
    outgoing.on('error', reject);
    outgoing.end(payload ?? undefined);
  });
  const answer = await text(response);
  if ((response.statusCode ?? 500) >= 400) throw new Error(`${question.method} ${question.path}: ${answer}`);
  return answer === '' ? null : JSON.parse(answer);
}
