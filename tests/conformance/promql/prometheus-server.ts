import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { formatLabels, type Labels, labelsKey, type SelectedSeries } from '#telemetry';

/** Whether Debian's `prometheus` package (server and promtool) is installed. */
export function isPrometheusInstalled(): boolean {
  return ['prometheus', 'promtool'].every((program) => spawnSync(program, ['--version']).status === 0);
}

export interface PrometheusPoint {
  readonly timeMs: number;
  readonly value: number;
}

/** By `labelsKey`; null where Prometheus refused the query. */
export type PrometheusAnswer = ReadonlyMap<string, readonly PrometheusPoint[]> | null;

/** Generous, for machines under load: what is waited for is that it is ready, or has ended. */
const START_LIMIT_MS = 300_000;

/** A real Prometheus over given samples, on a free port of the loopback. */
export class PrometheusServer {
  readonly #folder: string;
  readonly #process: ChildProcess;
  readonly #address: string;

  private constructor(folder: string, process: ChildProcess, address: string) {
    this.#folder = folder;
    this.#process = process;
    this.#address = address;
  }

  /** One that holds nothing yet, and takes remote write with native histograms and exemplars. */
  static receiving(): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'omoi-prometheus-'));
    return PrometheusServer.#launch(folder, [
      '--web.enable-remote-write-receiver',
      '--enable-feature=native-histograms,exemplar-storage',
    ]);
  }

  static async start(series: readonly SelectedSeries[]): Promise<PrometheusServer> {
    const folder = mkdtempSync(join(tmpdir(), 'omoi-prometheus-'));
    const file = join(folder, 'samples.om');
    writeFileSync(file, toOpenMetrics(series));
    const data = join(folder, 'data');
    const made = spawnSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '-q', file, data]);
    if (made.status !== 0) throw new Error(`promtool: ${made.stderr.toString()}`);
    return PrometheusServer.#launch(folder, ['--storage.tsdb.retention.time=100y']);
  }

  static async #launch(folder: string, flags: readonly string[]): Promise<PrometheusServer> {
    const config = join(folder, 'prometheus.yml');
    writeFileSync(config, '{}\n');
    const port = await freePort();
    const address = `127.0.0.1:${port}`;
    const child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        ...flags,
        `--web.listen-address=${address}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const server = new PrometheusServer(folder, child, `http://${address}`);
    await server.#untilReady();
    return server;
  }

  get url(): string {
    return this.#address;
  }

  async #untilReady(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    for (;;) {
      const ready = await fetch(`${this.#address}/-/ready`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return;
      if (performance.now() > deadline || this.#process.exitCode !== null) {
        await this.stop();
        throw new Error('Prometheus did not start');
      }
      await wait(50);
    }
  }

  instant(query: string, timeMs: number): Promise<PrometheusAnswer> {
    return this.#ask('query', { query, time: String(timeMs / 1000) });
  }

  range(
    query: string,
    { startMs, endMs, stepMs }: { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
  ): Promise<PrometheusAnswer> {
    const seconds = { start: startMs / 1000, end: endMs / 1000, step: stepMs / 1000 };
    return this.#ask('query_range', { query, ...mapValues(seconds) });
  }

  async #ask(path: string, parameters: Record<string, string>): Promise<PrometheusAnswer> {
    const answer = await fetch(`${this.#address}/api/v1/${path}`, {
      method: 'POST',
      body: new URLSearchParams(parameters),
    });
    if (answer.status === 400 || answer.status === 422) return null;
    const body: unknown = await answer.json();
    return readAnswer(body as ApiAnswer);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const exited = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface ApiAnswer {
  readonly data: {
    readonly result: readonly {
      readonly metric: Labels;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

function readAnswer({ data }: ApiAnswer): PrometheusAnswer {
  return new Map(
    data.result.map(({ metric, value, values }) => [
      labelsKey(metric),
      (values ?? (value ? [value] : [])).map(([seconds, text]) => ({
        timeMs: Math.round(seconds * 1000),
        value: toNumber(text),
      })),
    ]),
  );
}

function toNumber(text: string): number {
  if (text.endsWith('Inf')) return text.startsWith('-') ? -Infinity : Infinity;
  return Number(text);
}

function mapValues(numbers: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, String(value)]));
}

/** The samples as OpenMetrics text of untyped metrics, series by series. */
function toOpenMetrics(series: readonly SelectedSeries[]): string {
  const lines: string[] = [];
  const sorted = [...series].sort((a, b) =>
    (a.labels['__name__'] ?? '') < (b.labels['__name__'] ?? '') ? -1 : 1,
  );
  for (const { labels, timestampsMs, values } of sorted) {
    // The format knows no blanks between labels.
    const name = formatLabels(labels).replaceAll('", ', '",');
    values.forEach((value, at) => lines.push(`${name} ${value} ${(timestampsMs[at] ?? 0) / 1000}`));
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => {
        resolve(port);
      });
    });
  });
}
