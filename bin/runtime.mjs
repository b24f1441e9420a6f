// With what the runtime of `omoi serve` is started, from a checkout and from the published package.
// Plain JavaScript that also runs on Node 20, with nothing but Node's own modules.

/**
 * The young generation. With 2 a third of the main thread goes into its collection when 1,000 agents claim; with 8 an eighth
 * when 5,000 alerts are told, and what survives it has the old one collected twice as often, which is the longest that the
 * main thread is ever stopped for. With 16 one collection takes some 7 ms at the worst.
 */
const serverFlags = ['--max-semi-space-size=16'];

/**
 * Flags of the server's runtime. `OMOI_NODE_FLAGS` has further ones, for benches and profiles: in `NODE_OPTIONS` they would
 * reach npm, the build of the dashboard and every worker as well.
 */
export function runtimeFlags() {
  const further = (process.env.OMOI_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');
  return [...serverFlags, ...further];
}

/**
 * With a compile cache the workers that the server starts from TypeScript do not even load what strips its types. One
 * arena for all threads: glibc would give each its own, some 4 MB that stay half empty. Pieces of 128 KiB and more are
 * always taken from the system one by one, so that they go back when they are freed: glibc would raise that limit when
 * it frees the first. `omoi run` is told what of this is new, so that the command that it runs gets none of it.
 * @param {readonly string[]} args of `omoi`
 * @param {string | null} compileCache a directory that may be written to; null where there is none
 */
export function runtimeEnvironment([command], compileCache) {
  const { OMOI_NODE_FLAGS: _flags, ...inherited } = process.env;
  const cache = compileCache === null ? {} : { NODE_COMPILE_CACHE: compileCache };
  const own = { ...cache, MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' };
  const added = Object.keys(own).filter((name) => !(name in inherited));
  return { ...own, ...inherited, ...(command === 'run' && { OMOI_LAUNCHED_WITH: added.join(',') }) };
}

/** This process becomes another program, under the same process id. Returns only where Node cannot do that. */
export function becomeProgram(file, args, environment) {
  if (typeof process.execve !== 'function' || process.platform === 'win32') return;
  process.execve(file, [file, ...args], environment);
}
