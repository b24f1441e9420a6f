// How the sources of a checkout become the few files that `omoi serve` runs: `main.js`, its chunks, and the scripts
// of the threads and of the process that starts agents. Comments go, names and lines stay, so that stacks and profiles can be read.
// The published package (`--mode published`) has the demo's workers too, its `dependencies` beside it, and the licences of what was
// built in.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';

const checkoutDirectory = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(checkoutDirectory, 'package.json'), 'utf8'));
/** What the published package has beside it: all else is built in. */
const installed = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });

export default defineConfig(({ mode }) => ({
  root: checkoutDirectory,
  publicDir: false,
  ssr: {
    noExternal: true,
    // Only who uses PostgreSQL loads its client; it looks for a native one that nobody has.
    external: ['pg'],
    resolve: { conditions: ['omoi-source', 'module', 'node'] },
  },
  plugins: [ascii()],
  build: {
    ssr: true,
    target: 'node24',
    minify: false,
    modulePreload: false,
    reportCompressedSize: false,
    license: mode === 'published' && { fileName: 'licences.md' },
    rolldownOptions: {
      external: mode === 'published' ? installed : [],
      treeshake: { moduleSideEffects: (id) => !isOwn(id) },
      input: {
        main: join(checkoutDirectory, 'src/cli/main.ts'),
        'sqlite-worker': join(checkoutDirectory, 'src/storage/sqlite/sqlite-worker.ts'),
        'starter-process': join(checkoutDirectory, 'src/fleet/runtimes/starter-process.ts'),
        'rule-file-worker': join(checkoutDirectory, 'src/alerting/rules/rule-file-worker.ts'),
        ...(mode === 'published' && demo(['worker', 'source', 'feeder'])),
      },
      output: { entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js', comments: false },
    },
  },
}));

function demo(programs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    programs.map((name) => [`demo-${name}`, join(checkoutDirectory, `examples/fleet/${name}.ts`)]),
  );
}

/**
 * To load a module of these does nothing that another needs. Without this whoever takes one thing from a room's `index.ts` loads
 * all that stands there: every command of `omoi` the whole server.
 */
function isOwn(id: string): boolean {
  return ['src', 'agent/src'].some((part) => id.startsWith(join(checkoutDirectory, part, '/')));
}

/** One character beyond ASCII, and Node reads two bytes for each character of the file. */
function ascii(): Plugin {
  return {
    name: 'ascii',
    // The last hook: what is printed again behind it would have the characters once more.
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') file.code = escapeBeyondAscii(file.code);
      }
    },
  };
}

function escapeBeyondAscii(code: string): string {
  return code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
