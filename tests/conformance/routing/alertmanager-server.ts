import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** Whether Debian's `prometheus-alertmanager` package (server and amtool) is installed. */
export function isAlertmanagerInstalled(): boolean {
  return ['prometheus-alertmanager', 'amtool'].every(
    (program) => spawnSync(program, ['--version']).status === 0,
  );
}

/** Generous, for machines under load: what is waited for is that it is ready, or has ended. */
const START_LIMIT_MS = 120_000;

/** A real Alertmanager, alone, on a free port of the loopback. */
export class AlertmanagerServer {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #address: string;

  private constructor(folder: string, process: ChildProcess, address: string) {
    this.#folder = folder;
    this.#process = process;
    this.#address = address;
  }

  /** @param configuration its text */
  static async start(configuration: string): Promise<AlertmanagerServer> {
    const folder = mkdtempSync(join(tmpdir(), 'omoi-alertmanager-'));
    const file = join(folder, 'alertmanager.yml');
    writeFileSync(file, configuration);
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(
      'prometheus-alertmanager',
      [
        `--config.file=${file}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--cluster.listen-address=',
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const server = new AlertmanagerServer(folder, child, `http://${address}`);
    await server.until('it is ready', () =>
      fetch(`http://${address}/-/ready`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    return server;
  }

  /** @throws where it has ended, or does not come to it */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    while (!(await isSo())) {
      if (this.#process.exitCode !== null) throw new Error(`alertmanager ended before ${what}`);
      if (performance.now() > deadline) throw new Error(`alertmanager: ${what}: not in ${START_LIMIT_MS} ms`);
      await wait(50);
    }
  }

  async get(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#address}${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  async post(labels: readonly Readonly<Record<string, string>>[]): Promise<void> {
    const answer = await fetch(`${this.#address}/api/v2/alerts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(labels.map((one) => ({ labels: one }))),
    });
    if (!answer.ok) throw new Error(`alerts: ${answer.status} ${await answer.text()}`);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = new Promise((done) => this.#process.once('exit', done));
      this.#process.kill();
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('a port');
  return address.port;
}

/** Which of some files `amtool check-config` takes, by their names, and what it says against the others. */
export function checkedByAmtool(files: ReadonlyMap<string, string>): ReadonlyMap<string, string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'omoi-amtool-'));
  const paths = [...files].map(([name, text]) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  });
  const { stdout, error } = spawnSync('amtool', ['check-config', ...paths], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  rmSync(folder, { recursive: true });
  if (error) throw error;
  const verdicts = new Map<string, string | null>();
  for (const part of stdout.split("Checking '").slice(1)) {
    const [, name = '', rest = ''] = /^(.*?)' {2}(.*)$/s.exec(part) ?? [];
    const isTaken = rest.startsWith('SUCCESS');
    verdicts.set(name.slice(folder.length + 1), isTaken ? null : rest.replace(/^FAILED: /, '').trim());
  }
  return verdicts;
}
