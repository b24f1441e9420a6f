// How the published package starts: plain JavaScript under the user's own Node.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { becomeProgram, runtimeEnvironment, runtimeFlags } from './runtime.mjs';

const program = new URL('../dist/omoi/main.js', import.meta.url);

/**
 * The server gets a runtime of its own, as in a checkout; any other command runs in this process, which starts sooner and
 * leaves nothing of Omoi in the environment of what `omoi run` starts.
 */
export async function launchPublished(args) {
  const cache = compileCacheDirectory();
  if (args[0] === 'serve') {
    const command = [...process.execArgv, ...runtimeFlags(), fileURLToPath(program), ...args];
    becomeProgram(process.execPath, command, runtimeEnvironment(args, cache));
  }
  if (cache !== null) enableCompileCache(cache);
  await import(program);
}

/**
 * The user's own cache, or what systemd gives a service (`CacheDirectory=`). No directory that others may write to: what
 * stands there runs as this user.
 */
function compileCacheDirectory() {
  const { NODE_COMPILE_CACHE, CACHE_DIRECTORY, XDG_CACHE_HOME, HOME } = process.env;
  if (NODE_COMPILE_CACHE) return NODE_COMPILE_CACHE;
  if (CACHE_DIRECTORY) return join(CACHE_DIRECTORY.split(':')[0], 'compile');
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'omoi/compile');
  return HOME ? join(HOME, '.cache/omoi/compile') : null;
}
