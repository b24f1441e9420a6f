import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { expect, it } from 'vitest';

const MAX_MINIFIED_BYTES = 18_000;

it('is small: minified and with nothing left to import but Node itself', async () => {
  const built = await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: true,
      target: 'es2024',
      ssr: fileURLToPath(new URL('index.ts', import.meta.url)),
    },
    ssr: { noExternal: true },
  });
  if (!('output' in built)) throw new Error('vite built several things');
  expect(built.output.length).toBe(1);
  const { code, imports } = built.output[0];
  expect(imports.filter((name) => !name.startsWith('node:'))).toEqual([]);
  expect(Buffer.byteLength(code)).toBeLessThan(MAX_MINIFIED_BYTES);
  expect(code).toContain('/api/v1/fleet/tasks/claim');
});
