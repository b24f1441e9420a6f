/** Where somebody has read a stream to: how often its file had been emptied until then, and the bytes read since. */
export interface StreamPosition {
  readonly emptied: number;
  readonly bytes: number;
}

/** What one stream has put out. */
export interface StreamPiece {
  readonly text: string;
  /** Whether something between is left out: it is too much, or was given up for room. */
  readonly skipped: boolean;
  /** Behind the text. A character of which only a part is there stays for the next piece. */
  readonly next: StreamPosition;
}

export const OUTPUT_STREAMS = ['stdout', 'stderr'] as const;
export type OutputStream = (typeof OUTPUT_STREAMS)[number];
export type OutputPosition = Readonly<Record<OutputStream, StreamPosition>>;
export type OutputPiece = Readonly<Record<OutputStream, StreamPiece>>;

/** The output of one generation of an agent. */
export interface OutputRef {
  readonly agentId: string;
  readonly generation: number;
}

/** Output that is kept, and can be read while it grows. */
export interface OutputSource {
  /** False where one output goes on over all generations of an agent: then it is the newest one's. */
  readonly tellsGenerationsApart: boolean;
  /**
   * What stands behind a position, of each stream the newest `maxBytes`; without a position of all that is kept.
   * @returns null where nothing is kept of this generation
   */
  read(of: OutputRef, from: OutputPosition | null, maxBytes: number): Promise<OutputPiece | null>;
  /**
   * Calls `changed` whenever an agent may have put out more; perhaps never, where the system has no room for one more watch.
   * @returns ends it
   */
  watch(agentId: string, changed: () => void): () => void;
}

export const BEGINNING: OutputPosition = {
  stdout: { emptied: 0, bytes: 0 },
  stderr: { emptied: 0, bytes: 0 },
};
