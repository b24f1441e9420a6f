import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createProcessTable } from '#fleet';
import { ScriptedServer } from '../../agent/src/scripted-server.test-support.ts';
import {
  loadPseudoTerminals,
  startOnTerminal,
  type TerminalProcess,
} from '../../src/cli/run/terminal-process.ts';
import { omoi } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const OMOI = fileURLToPath(new URL('../../bin/omoi', import.meta.url));
const PROGRAM = fileURLToPath(new URL('support/interactive-program.mjs', import.meta.url));
const WITHIN_MS = 120_000;

/** What says something of colours in the environment of these tests, and nothing in that of a person's window. */
const OF_COLOURS = ['CI', 'COLORTERM', 'FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS', 'TMUX'];
const WINDOW_ENVIRONMENT: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !OF_COLOURS.includes(name))),
  TERM: 'xterm-256color',
};

/** What a person sees and types, with a shell in it that runs a script. */
class Window {
  readonly process: TerminalProcess;
  #seen = '';

  constructor(script: string, env: NodeJS.ProcessEnv = {}) {
    this.process = startOnTerminal(
      {
        command: ['/bin/sh', '-c', script],
        env: { ...WINDOW_ENVIRONMENT, OMOI_AGENT_TOKEN: 'secret', ...env },
      },
      { columns: 91, rows: 33 },
      loadPseudoTerminals(),
    );
    this.process.stdout?.on('data', (chunk: Buffer) => (this.#seen += chunk.toString()));
  }

  get seen(): string {
    return this.#seen;
  }

  type(keys: string): void {
    this.process.write(Buffer.from(keys));
  }

  /** Waits until it shows this. */
  shows(text: RegExp): Promise<RegExpMatchArray> {
    return until(() => this.#seen.match(text), `${text} in ${this.#seen}`, WITHIN_MS);
  }

  async end(): Promise<number | null> {
    const { exitCode } = await this.process.exited;
    await this.process.closed;
    return exitCode;
  }
}

const table = createProcessTable();
let server: ScriptedServer;
let directory: string;
let windows: Window[];

// Builds what has changed since the last build, of which it tells on standard error.
beforeAll(() => omoi(['--version']));

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'omoi-run-'));
  windows = [];
  server = new ScriptedServer({ register: () => ({ body: { generation: 4, heartbeat_interval_ms: 50 } }) });
  await server.open();
});

afterEach(async () => {
  for (const { process } of windows) process.kill('SIGKILL');
  await server.goAway();
  rmSync(directory, { recursive: true, force: true });
});

const omoiRun = (command: string, flags = ''): string =>
  `${process.execPath} ${OMOI} run --pool coders --id coders-x --url ${server.url} --data-directory ${directory} ${flags} -- ${command}`;
const program = (flags = ''): string => `${process.execPath} ${PROGRAM} ${flags}`;

function open(script: string, env?: NodeJS.ProcessEnv): Window {
  const window = new Window(script, env);
  windows.push(window);
  return window;
}

const READY = /\{"pid":(\d+),.*\}/;

describe('omoi run on a terminal', () => {
  it('gives the command a terminal of the same size, and follows its changes', async () => {
    const window = open(omoiRun(program()), { COLUMNS: '20', LINES: '5' });
    const [line = ''] = await window.shows(READY);
    expect(JSON.parse(line)).toMatchObject({
      terminals: [true, true, true],
      colours: true,
      columns: 91,
      rows: 33,
    });
    window.process.resize({ columns: 120, rows: 40 });
    await window.shows(/\{"resized":\{"columns":120,"rows":40\}\}/);
    window.type('q');
    expect(await window.end()).toBe(7);
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: 7, asked: false });
    expect(readFileSync(join(directory, 'logs/run/coders-x.stdout.log'), 'utf8')).toContain('"resized"');
  });

  it('passes keys through as they are, Ctrl-C, Ctrl-Z and Ctrl-S too, to who reads them one by one', async () => {
    const window = open(omoiRun(program()));
    await window.shows(READY);
    for (const [keys, hex] of [
      ['\x03', '03'],
      ['\x1a', '1a'],
      ['\x13', '13'],
      ['\r', '0d'],
      ['\x1b[A', '1b5b41'],
      ['ü', 'c3bc'],
    ] as const) {
      window.type(keys);
      await window.shows(new RegExp(`"keys":"${hex}"`));
    }
    window.type('q');
    expect(await window.end()).toBe(7);
  });

  it('interrupts with Ctrl-C who lets the terminal do so, and tells that it was asked to end', async () => {
    const window = open(
      omoiRun(`/bin/sh -c 'trap "echo interrupted; exit 1" INT; echo ready; while :; do sleep 0.05; done'`),
    );
    await window.shows(/ready/);
    window.type('\x03');
    await window.shows(/interrupted/);
    expect(await window.end()).toBe(1);
    expect(server.of('deregister')[0]?.body).toMatchObject({ asked: true, reason: 'stopped by SIGINT' });
  });

  it('leaves the terminal as it was, also when the command is killed', async () => {
    const window = open(
      `stty -g; ${omoiRun(program('--full-screen'))}; echo "status $?"; stty -g; echo over`,
    );
    const [, pid] = await window.shows(READY);
    process.kill(Number(pid), 'SIGKILL');
    await window.shows(/over/);
    const modes = window.seen.match(/^[0-9a-f]+(?::[0-9a-f]+)+/gm);
    expect(modes).toHaveLength(2);
    expect(modes?.[1]).toBe(modes?.[0]);
    const [, after = ''] = window.seen.split('"pid"');
    expect(after).toContain('status 137');
    expect(after).toContain('\x1b[?25h\x1b[?1049l');
  });

  it('lets a command go on that was stopped, at a key', async () => {
    const window = open(omoiRun(program()));
    const [, pid = ''] = await window.shows(READY);
    process.kill(Number(pid), 'SIGSTOP');
    const told = () =>
      server.of('heartbeat').at(-1)?.body['process_activity'] as
        | { readonly activity: string; readonly memory_bytes: number }
        | undefined;
    await until(() => told()?.activity === 'stopped', 'it is stopped', WITHIN_MS);
    // A Node takes that much at least.
    expect(told()?.memory_bytes).toBeGreaterThan(10_000_000);
    window.type('a');
    await window.shows(/"keys":"61"/);
    window.type('q');
    expect(await window.end()).toBe(7);
  });

  it('ends the command when the terminal goes away', async () => {
    const window = open(`exec ${omoiRun(program())}`);
    const [, pid = ''] = await window.shows(READY);
    await until(() => server.of('heartbeat').length > 0, 'it beats', WITHIN_MS);
    window.process.stdout?.destroy();
    await until(() => server.of('deregister').length > 0, 'it has left', WITHIN_MS);
    expect(server.of('deregister')[0]?.body).toMatchObject({ asked: true, reason: 'stopped by SIGHUP' });
    expect([null, 'Z']).toContain(table.stat(Number(pid))?.state ?? null);
  });

  it('gives pipes to what is redirected', async () => {
    const window = open(
      `${omoiRun(`/bin/sh -c 'test -t 1 || echo piped'`)} 2> ${directory}/errors; cat ${directory}/errors`,
    );
    expect(await window.end()).toBe(0);
    expect(window.seen).toBe('piped\r\n');
  });

  it('does not touch a terminal that another program has', async () => {
    writeFileSync(join(directory, 'gate'), '');
    // With job control: what runs in the background is a group of its own, which the terminal is not given to.
    const script = `set -m; ${omoiRun(`/bin/sh -c 'test -t 1 || echo piped'`)} & wait; stty -g > /dev/null && echo over`;
    const window = open(script);
    await window.shows(/over/);
    expect(window.seen).toContain('piped');
  });

  it.each([
    [
      'what makes terminals is not installed',
      `throw new Error('Cannot find module x\\nRequire stack:')`,
      'module',
    ],
    [
      'there is no terminal to be had',
      `return { requireBinary: () => ({ fork() { throw new Error('posix_openpt failed: No such device'); } }) }`,
      'posix_openpt',
    ],
  ])('gives the command pipes where %s, and says so in one line', async (_, load, reason) => {
    // The program as it is, but for what the package of terminals gives it.
    const hook = join(directory, 'no-terminals.cjs');
    writeFileSync(
      hook,
      `const Module = require('node:module'); const load = Module._load;
       Module._load = function (name, ...rest) {
         if (name.includes('node-pty')) { ${load} }
         return load.call(this, name, ...rest);
       };`,
    );
    const window = open(omoiRun(`/bin/sh -c 'test -t 1 || echo piped; exit 4'`), {
      NODE_OPTIONS: `--require=${hook}`,
    });
    expect(await window.end()).toBe(4);
    const [said = '', ...output] = window.seen.split('\r\n');
    expect(said).toMatch(/^omoi run: no terminal for the command, it gets pipes: /);
    expect(said).toContain(reason);
    expect(output).toEqual(['piped', '']);
  });

  it('goes on with a command that outlives its terminal, and says how that ended', async () => {
    const stubborn = `trap '' HUP; echo ready; while [ ! -e ${directory}/gate ]; do echo more; sleep 0.05; done; exit 6`;
    writeFileSync(join(directory, 'stubborn'), stubborn);
    const window = open(`exec ${omoiRun(`/bin/sh ${directory}/stubborn`)}`);
    await window.shows(/ready/);
    await until(() => server.of('heartbeat').length > 0, 'it beats', WITHIN_MS);
    window.process.stdout?.destroy();
    const beats = server.of('heartbeat').length;
    await until(() => server.of('heartbeat').length > beats + 5, 'it is beaten for still', WITHIN_MS);
    writeFileSync(join(directory, 'gate'), '');
    await until(() => server.of('deregister').length > 0, 'it has left', WITHIN_MS);
    expect(server.of('deregister')[0]?.body).toMatchObject({ exit_code: 6 });
  });

  it.each([
    ['was not found', '/nowhere/command', 127, 'omoi run: /nowhere/command: not found\r\n'],
    ['may not be executed', '/etc', 126, 'omoi run: /etc: may not be executed\r\n'],
  ])('says in one line that a command %s', async (_, command, status, line) => {
    const window = open(omoiRun(command));
    expect(await window.end()).toBe(status);
    expect(window.seen).toBe(line);
  });
});
