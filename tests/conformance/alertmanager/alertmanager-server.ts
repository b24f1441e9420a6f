import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../acceptance/support/omoi-process.ts';
import { StartedProcess } from '../../acceptance/support/started-process.ts';
import { until } from '../../acceptance/support/until.ts';

const PROGRAM = '/usr/bin/prometheus-alertmanager';
const START_LIMIT_MS = 60_000;

/** Whether Debian's package `prometheus-alertmanager` is there. */
export const isAlertmanagerInstalled = existsSync(PROGRAM);

/** A real Alertmanager on a free port of the loopback, without a cluster. */
export class AlertmanagerServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly #process: StartedProcess;

  private constructor(url: string, process: StartedProcess) {
    this.url = url;
    this.#process = process;
  }

  /** @param directory for its data */
  static async start(configFile: string, directory: string): Promise<AlertmanagerServer> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const program = new StartedProcess(
      PROGRAM,
      [
        `--config.file=${configFile}`,
        `--storage.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--cluster.listen-address=',
        '--log.level=error',
      ],
      { PATH: process.env['PATH'], HOME: directory },
    );
    const isReady = async (): Promise<boolean> => {
      if (!program.isRunning) throw new Error(`Alertmanager ended: ${program.stderr}`);
      return fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    };
    await until(isReady, 'Alertmanager is ready', START_LIMIT_MS);
    return new AlertmanagerServer(url, program);
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#process.closed;
  }
}
