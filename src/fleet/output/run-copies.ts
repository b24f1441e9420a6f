import { join } from 'node:path';
import type { OutputPiece, OutputPosition, OutputRef, OutputSource } from './output-source.ts';
import { readStream, watchDirectory } from './read-stream.ts';

/**
 * The copies that `omoi run` keeps of what its command puts out, where it keeps them in the server's own data directory:
 * `ID.stdout.log` and `ID.stderr.log`. They do not tell generations apart: all is the newest one's.
 */
export class RunCopies implements OutputSource {
  readonly tellsGenerationsApart = false;
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async read(
    { agentId }: OutputRef,
    from: OutputPosition | null,
    maxBytes: number,
  ): Promise<OutputPiece | null> {
    const read = (stream: 'stdout' | 'stderr') =>
      readStream(
        { path: join(this.#directory, `${agentId}.${stream}.log`), emptied: 0 },
        from?.[stream] ?? null,
        maxBytes,
      );
    const [stdout, stderr] = await Promise.all([read('stdout'), read('stderr')]);
    return stdout && stderr && { stdout, stderr };
  }

  watch(agentId: string, changed: () => void): () => void {
    const prefix = `${agentId}.`;
    return watchDirectory(this.#directory, (name) => {
      if (name === null || name.startsWith(prefix)) changed();
    });
  }
}
