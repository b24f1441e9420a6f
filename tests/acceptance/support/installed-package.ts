import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { leaveNoGroups, type Ended } from './omoi-process.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
const execute = promisify(execFile);
/** The Node that the tests run under, before any other. */
const PATH = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** Packs the server and the SDK as for a registry. @returns the two tarballs */
async function packAll(destination: string): Promise<readonly string[]> {
  const { stdout } = await execute(
    'npm',
    ['pack', '.', './agent', '--json', '--pack-destination', destination],
    {
      cwd: CHECKOUT,
      env: { ...process.env, PATH },
      maxBuffer: MAX_OUTPUT_BYTES,
    },
  );
  // What the scripts print stands before it.
  const packed = JSON.parse(stdout.slice(stdout.search(/^\[$/m))) as readonly { readonly filename: string }[];
  return packed.map(({ filename }) => join(destination, filename));
}

/**
 * Omoi installed from its tarballs in an empty folder, without a network and with an empty cache: of other packages only what the
 * tarballs say that they depend on is there, as in a checkout.
 */
export class InstalledPackage {
  readonly directory = mkdtempSync(join(tmpdir(), 'omoi-installed-'));
  readonly #environment: NodeJS.ProcessEnv = {
    PATH,
    HOME: join(this.directory, 'home'),
    npm_config_cache: join(this.directory, 'npm-cache'),
    npm_config_update_notifier: 'false',
    OMOI_HTTP_PORT: '0',
    OMOI_OTLP_PORT: '0',
  };

  get dataDirectory(): string {
    return join(this.directory, '.omoi');
  }

  async install(): Promise<void> {
    const tarballs = await packAll(this.directory);
    mkdirSync(join(this.directory, 'node_modules'));
    for (const name of packagesBehind('omoi', '@omoi/agent')) {
      cpSync(join(CHECKOUT, 'node_modules', name), join(this.directory, 'node_modules', name), {
        recursive: true,
      });
    }
    const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    await this.#run('npm', ['install', ...options, ...tarballs]).then(succeeded);
  }

  /** `npx omoi ARGS` in the folder, to its end. */
  npx(args: readonly string[]): Promise<Ended> {
    return this.#run('npx', ['--offline', 'omoi', ...args]);
  }

  /** `omoi ARGS` as `npx` starts it, to its end. */
  omoi(args: readonly string[]): Promise<Ended> {
    return this.#run(join(this.directory, 'node_modules/.bin/omoi'), args);
  }

  /** `omoi ARGS`, which goes on. */
  start(args: readonly string[]): StartedOmoi {
    return this.#start(join(this.directory, 'node_modules/.bin/omoi'), args, this.directory);
  }

  /** A line as a person types it into a shell in a folder; it goes on. `npx` finds nothing but the package itself. */
  startLine(line: string, folder: string): StartedOmoi {
    return this.#start('sh', ['-c', `exec ${this.#withoutNpx(line)}`], folder);
  }

  /** A line as a person types it into a shell in a folder, to its end. */
  line(line: string, folder: string): Promise<Ended> {
    return this.#run('sh', ['-c', this.#withoutNpx(line)], folder);
  }

  /** What `npx` starts here, and takes half a second for each time: that it does is tested once. */
  #withoutNpx(line: string): string {
    return line.replace(/\bnpx omoi\b/g, join(this.directory, 'node_modules/.bin/omoi'));
  }

  #start(file: string, args: readonly string[], cwd: string): StartedOmoi {
    return new StartedOmoi(
      spawn(file, args, { cwd, env: this.#environment, stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
    leaveNoGroups(this.dataDirectory);
  }

  #run(file: string, args: readonly string[], cwd = this.directory): Promise<Ended> {
    return new Promise((resolve) => {
      const options = { cwd, env: this.#environment, maxBuffer: MAX_OUTPUT_BYTES };
      const child = execFile(file, args, options, (_error, stdout, stderr) =>
        resolve({ status: child.exitCode, stdout, stderr }),
      );
      // Whoever asks for something is told that nobody is there.
      child.stdin?.end();
    });
  }
}

export class StartedOmoi {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  stop(signal: NodeJS.Signals): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}

/** @throws Error with all that it said, where it failed */
export function succeeded(ended: Ended): Ended {
  if (ended.status === 0) return ended;
  throw new Error(`exit ${ended.status}\n${ended.stdout}${ended.stderr}`);
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** All packages that these need, by what their manifests say; not themselves. Optional ones where they are installed. */
function packagesBehind(...roots: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const manifestOf = (name: string): Manifest => {
    const directory = name === 'omoi' ? CHECKOUT : join(CHECKOUT, 'node_modules', name);
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest;
  };
  const add = (name: string): void => {
    const { dependencies = {}, optionalDependencies = {} } = manifestOf(name);
    const optional = Object.keys(optionalDependencies).filter((one) =>
      existsSync(join(CHECKOUT, 'node_modules', one)),
    );
    for (const needed of [...Object.keys(dependencies), ...optional]) {
      if (roots.includes(needed) || found.has(needed)) continue;
      found.add(needed);
      add(needed);
    }
  };
  roots.forEach(add);
  return found;
}
