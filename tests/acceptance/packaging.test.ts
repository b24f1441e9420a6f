import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { isLong } from '../long-tests.ts';
import { copyOf, execForm, parseDockerfile, variablesOf } from './support/dockerfile.ts';
import { commandOf, ImageRoot } from './support/image-root.ts';
import { freePort } from './support/omoi-process.ts';
import { until } from './support/until.ts';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(CHECKOUT, file), 'utf8');

/** All packages of the checkout are copied, and removed: on a machine whose disk others use too, that takes minutes. */
const LIMIT_MS = 30 * 60_000;

describe('the Dockerfile', () => {
  const stages = parseDockerfile(read('Dockerfile'));
  const instructions = stages.flatMap((stage) => stage.instructions);
  const last = stages.at(-1) ?? { base: '', name: null, instructions: [] };
  const lastOf = (keyword: string): string =>
    last.instructions.findLast((one) => one.keyword === keyword)?.text ?? '';

  it('has instructions that are known, and nothing that fetches from elsewhere', () => {
    const known = [
      'RUN',
      'COPY',
      'ENV',
      'WORKDIR',
      'VOLUME',
      'EXPOSE',
      'USER',
      'HEALTHCHECK',
      'ENTRYPOINT',
      'CMD',
    ];
    expect(instructions.filter(({ keyword }) => !known.includes(keyword))).toEqual([]);
    expect(instructions.filter(({ text }) => /\b(?:curl|wget|sudo|apt-get|:latest)\b/.test(text))).toEqual(
      [],
    );
  });

  it('starts from the Node of the lock file', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } };
    expect(stages.map(({ base }) => base)).toEqual(
      stages.map(() => `node:${devDependencies.node}-trixie-slim`),
    );
  });

  it('copies what is there and not kept from it', () => {
    const ignored = read('.dockerignore').split('\n');
    const sources = instructions
      .filter(({ keyword, text }) => keyword === 'COPY' && copyOf(text).from === null)
      .flatMap(({ text }) => copyOf(text).sources);
    expect(sources.length).toBeGreaterThan(3);
    expect(
      sources.filter((source) => !existsSync(join(CHECKOUT, source)) || ignored.includes(source)),
    ).toEqual([]);
    const stageNames = stages.map(({ name }) => name);
    const from = instructions.flatMap(({ keyword, text }) =>
      keyword === 'COPY' ? (copyOf(text).from ?? []) : [],
    );
    expect(from.filter((name) => !stageNames.includes(name))).toEqual([]);
  });

  it('runs as a user that is not root, without a shell, on the volume', () => {
    expect(lastOf('USER')).toBe('node');
    expect(execForm(lastOf('ENTRYPOINT'))).toEqual(['omoi']);
    expect(execForm(lastOf('CMD'))).toEqual(['serve']);
    expect(execForm(lastOf('VOLUME'))).toEqual([variablesOf(lastOf('ENV'))['OMOI_DATA_DIRECTORY']]);
    expect(lastOf('HEALTHCHECK')).toContain('/readyz');
  });

  const reason = isLong ? ImageRoot.reasonAgainst() : 'npm run test:long does it';
  const roots: ImageRoot[] = [];
  afterAll(() => roots.forEach((root) => root.remove()), LIMIT_MS);

  it.skipIf(reason !== null)(
    'makes in an empty root what serves and is healthy',
    async () => {
      const built = new Map<string, ImageRoot>();
      for (const stage of stages) {
        const root = new ImageRoot();
        roots.push(root);
        root.build(stage, built);
        if (stage.name !== null) built.set(stage.name, root);
      }
      const image = roots.at(-1) ?? new ImageRoot();
      const port = { OMOI_HTTP_PORT: String(await freePort()), OMOI_OTLP_PORT: '0' };
      const server = image.start([...commandOf(last, 'ENTRYPOINT'), ...commandOf(last, 'CMD')], port);
      const ended = once(server, 'exit');
      let said = '';
      server.stderr?.on('data', (bytes: Buffer) => {
        said += bytes.toString();
      });
      try {
        await until(
          () => {
            if (server.exitCode !== null)
              throw new Error(`the server ended with ${server.exitCode}:\n${said}`);
            return image.run(commandOf(last, 'HEALTHCHECK'), port) === 0;
          },
          'the health check succeeds',
          120_000,
        );
      } finally {
        server.kill('SIGTERM');
      }
      expect(await ended).toEqual([0, null]);
      expect(image.run(commandOf(last, 'HEALTHCHECK'), port)).toBe(1);
    },
    LIMIT_MS,
  );
});

describe('the unit of systemd', () => {
  const unit = read('packaging/omoi.service');
  const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

  it('starts the program where the documentation installs it', () => {
    const [, prefix] = /^npm install --prefix (\S+) /m.exec(read('docs/operations.md')) ?? [];
    expect(unit).toContain(`\nExecStart=${prefix}/node_modules/.bin/omoi serve `);
  });

  it.skipIf(!hasSystemd)('is one that systemd understands', () => {
    const directory = mkdtempSync(join(tmpdir(), 'omoi-unit-'));
    const file = join(directory, 'omoi.service');
    // It looks for the program.
    writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
      encoding: 'utf8',
    });
    rmSync(directory, { recursive: true });
    const told = (stdout + stderr).split('\n').filter((line) => line.includes('omoi.service'));
    expect([status, told]).toEqual([0, []]);
  });
});
