import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyOf, execForm, variablesOf, type Instruction, type Stage } from './dockerfile.ts';

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url));
/** What of the checkout no build sees (`.dockerignore`). */
const IGNORED = /(?:^|\/)(?:node_modules|dist|\.git|\.omoi)$/;
const SYSTEM = ['bin', 'sbin', 'lib', 'lib32', 'lib64'];
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** As in the images of Node. */
const NODE_USER = 1000;

/**
 * Mounts what a base image has beside Node, and goes into the root. Arguments: the root, the user, the directory, the command.
 * All is undone with the namespace.
 */
const ENTER = `
mount --make-rprivate /
mount --bind /usr "$1/usr" && mount -o remount,bind,ro "$1/usr"
mount --bind "$1/local" "$1/usr/local"
mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev"
root=$1 user=$2 directory=$3
shift 3
exec chroot --userspec="$user" "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$directory" "$@"
`;

/** An empty root in which the steps of an image are done: of this machine it sees /usr, and the Node of the tests. */
export class ImageRoot {
  readonly directory = mkdtempSync(join(tmpdir(), 'omoi-image-'));
  #variables: Readonly<Record<string, string>> = {};
  #workingDirectory = '/';
  #user = '0:0';

  constructor() {
    // What mkdtemp makes is open to its owner alone.
    chmodSync(this.directory, 0o755);
    const directories = [
      'usr',
      'proc',
      'dev',
      'etc',
      'tmp',
      'home/node',
      'local/bin',
      'local/lib/node_modules',
    ];
    for (const name of directories) mkdirSync(join(this.directory, name), { recursive: true });
    for (const name of SYSTEM.filter((one) => existsSync(`/${one}`) && lstatSync(`/${one}`).isSymbolicLink()))
      symlinkSync(readlinkSync(`/${name}`), join(this.directory, name));
    writeFileSync(
      join(this.directory, 'etc/passwd'),
      `root:x:0:0::/root:/bin/sh\nnode:x:${NODE_USER}:${NODE_USER}::/home/node:/bin/sh\n`,
    );
    writeFileSync(join(this.directory, 'etc/group'), `root:x:0:\nnode:x:${NODE_USER}:\n`);
    chownSync(join(this.directory, 'home/node'), NODE_USER, NODE_USER);
    const local = join(this.directory, 'local');
    cpSync(process.execPath, join(local, 'bin/node'), { dereference: true });
    cpSync(npmDirectory(), join(local, 'lib/node_modules/npm'), { recursive: true });
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  }

  /** Why there can be none here; null where there can. */
  static reasonAgainst(): string | null {
    if (process.getuid?.() !== 0) return 'it takes root';
    const { status, stderr, error } = spawnSync(
      'unshare',
      ['--mount', 'sh', '-c', 'mount --make-rprivate /'],
      {
        encoding: 'utf8',
      },
    );
    return status === 0 ? null : (error?.message ?? stderr.trim());
  }

  /** Does all steps of a stage. @throws Error with what a step said that failed */
  build({ instructions }: Stage, earlier: ReadonlyMap<string, ImageRoot>): void {
    for (const instruction of instructions) this.#take(instruction, earlier);
  }

  /** Starts a program in it as the image would. */
  start(command: readonly string[], variables: Readonly<Record<string, string>>): ChildProcess {
    return spawn('unshare', this.#entering(command), {
      env: { PATH, HOME: '/home/node', ...this.#variables, ...variables },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  }

  /** @returns its exit code */
  run(command: readonly string[], variables: Readonly<Record<string, string>>): number | null {
    const env = { PATH, HOME: '/home/node', ...this.#variables, ...variables };
    return spawnSync('unshare', this.#entering(command), { env, stdio: 'ignore' }).status;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #take({ keyword, text, line }: Instruction, earlier: ReadonlyMap<string, ImageRoot>): void {
    switch (keyword) {
      case 'WORKDIR':
        this.#workingDirectory = resolve(this.#workingDirectory, text);
        mkdirSync(this.#inside(this.#workingDirectory), { recursive: true });
        break;
      case 'ENV':
        this.#variables = { ...this.#variables, ...variablesOf(text) };
        break;
      case 'USER':
        this.#user = `${text}:${text}`;
        break;
      case 'COPY':
        this.#copy(text, earlier);
        break;
      case 'RUN':
        // What it would fetch is in the checkout, from the same lock file.
        if (text.startsWith('npm ci ')) this.#takePackages();
        else this.#step(text, line);
        break;
    }
  }

  #copy(text: string, earlier: ReadonlyMap<string, ImageRoot>): void {
    const { from, sources, target } = copyOf(text);
    const origin = from === null ? CHECKOUT : earlier.get(from)?.directory;
    if (origin === undefined) throw new Error(`COPY ${text}: there is no stage ${from}`);
    for (const source of sources) {
      const to = this.#inside(resolve(this.#workingDirectory, target));
      const path = join(origin, source);
      const filter = (file: string): boolean => from !== null || !IGNORED.test(file);
      const isInto = target.endsWith('/') && !lstatSync(path).isDirectory();
      cpSync(path, isInto ? join(to, source.split('/').at(-1) ?? '') : to, {
        recursive: true,
        verbatimSymlinks: true,
        filter,
      });
    }
  }

  #takePackages(): void {
    execFileSync('cp', ['-a', join(CHECKOUT, 'node_modules'), this.#inside(this.#workingDirectory)]);
  }

  #step(text: string, line: number): void {
    const run = spawnSync('unshare', this.#entering(['sh', '-c', text]), {
      env: { PATH, HOME: '/root', npm_config_cache: '/tmp/npm-cache', ...this.#variables },
      encoding: 'utf8',
    });
    if (run.status === 0) return;
    throw new Error(`line ${line}: RUN ${text}: exit ${run.status}\n${run.stdout}${run.stderr}`);
  }

  #entering(command: readonly string[]): readonly string[] {
    return [
      '--mount',
      'sh',
      '-ec',
      ENTER,
      'sh',
      this.directory,
      this.#user,
      this.#workingDirectory,
      ...command,
    ];
  }

  #inside(path: string): string {
    return path.startsWith('/usr/local/')
      ? join(this.directory, path.slice('/usr'.length))
      : join(this.directory, path);
  }
}

/** The words of the last instruction of its kind in a stage. */
export function commandOf({ instructions }: Stage, keyword: string): readonly string[] {
  const text = instructions.findLast((one) => one.keyword === keyword)?.text ?? '';
  return execForm(text.slice(Math.max(0, text.indexOf('[')))) ?? [];
}

function npmDirectory(): string {
  const program = execFileSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).trim();
  return dirname(dirname(realpathSync(program)));
}
