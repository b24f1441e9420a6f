import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Where `omoi serve` listens while the dashboard is developed with `vite`. */
const SERVER = 'http://127.0.0.1:4600';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react(), compress()],
  build: {
    // The first that know `light-dark()` (May 2024).
    target: ['chrome123', 'edge123', 'firefox120', 'safari17.5'],
    // No file is put into the page as data: the content security policy lets scripts come from the server alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'licences.md' },
    // The libraries change seldom: apart, they stay in the browser's cache when the dashboard changes.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'libraries', test: /node_modules/ }] } },
      // On a slow machine it would tell whoever starts Omoi for the first time how long the plugins took.
      checks: { bundlerTimings: false },
    },
    chunkSizeWarningLimit: 650,
  },
  server: {
    proxy: {
      '/api': { target: SERVER, changeOrigin: true, rewriteWsOrigin: true },
      '/login': { target: SERVER, changeOrigin: true, bypass: (request) => pageOf(request.url) },
    },
  },
});

/** Puts a compressed copy beside each file, so that the server does not compress at every request. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    // At the end: Vite rewrites chunks until they are written.
    writeBundle({ dir = '' }, bundle) {
      for (const [fileName, file] of Object.entries(bundle)) {
        const source = file.type === 'chunk' ? file.code : file.source;
        if (/\.(?:js|css)$/.test(fileName)) {
          writeFileSync(join(dir, `${fileName}.gz`), gzipSync(source));
        }
      }
    },
  };
}

/** The login page is Vite's to serve; a login link is the server's. */
function pageOf(url: string | undefined): string | undefined {
  return url?.includes('code=') ? undefined : '/index.html';
}
