import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));

/** The modules of Node itself that are loaded once a program has imported these. */
async function loadedBy(...names: readonly string[]): Promise<readonly string[]> {
  const imports = names.map((name) => `await import(${JSON.stringify(name)});`).join('');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      '--conditions=omoi-source',
      '--input-type=module',
      '--eval',
      `${imports} console.log(JSON.stringify(process.moduleLoadList))`,
    ],
    { cwd: CHECKOUT },
  );
  return JSON.parse(stdout);
}

// 5 MB in each process: an import of `node:http` by name loads it.
it('loads not the client behind `fetch`, neither in the server nor in its agents', async () => {
  const loaded = await loadedBy('#server', '@omoi/agent');
  expect(loaded).toContain('NativeModule _http_server');
  expect(loaded.filter((name) => name.includes('undici'))).toEqual([]);
});
