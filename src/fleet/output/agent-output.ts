import type { Clock } from '#telemetry';
import {
  BEGINNING,
  type OutputPiece,
  type OutputPosition,
  type OutputRef,
  type OutputSource,
} from './output-source.ts';

export interface AgentOutputParts {
  readonly clock: Clock;
  /** The newest generation of an agent. @throws OmoiError `unknown_agent` */
  newest(agentId: string): Promise<{ readonly generation: number; readonly managed: boolean }>;
  /** Whether a generation that another follows has ended: it puts out no more. */
  hasEnded(of: OutputRef): Promise<boolean>;
  /** Of the agents that Omoi starts, and of those that it only watches. */
  readonly managed: OutputSource;
  readonly external: OutputSource;
}

/** How far somebody has read the output of a generation. */
export interface ReadGeneration {
  readonly generation: number;
  readonly position: OutputPosition;
}

/** How far somebody has read an agent's output. */
export interface OutputCursor extends ReadGeneration {
  /** Those before it that had not ended when it began, the newest first: what they still put out comes, too, in their order. */
  readonly earlier: readonly ReadGeneration[];
}

/** Who was away finds of the generations that came and ended meanwhile so many, the newest, and the present one. */
export const maxGenerationsCaughtUp = 4;

/** Of the generations that end beside a newer one so many are followed on, the newest. */
export const maxEarlierFollowed = 3;

export interface OutputRequest {
  readonly agentId: string;
  /** null: the newest one, and those that follow it. */
  readonly generation: number | null;
  /** null: begin with the end of what there is. */
  readonly cursor: OutputCursor | null;
  /** Of each stream. */
  readonly maxBytes: number;
  /** How long to wait where nothing stands behind the cursor. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export interface ReadOutput {
  readonly generation: number;
  /** null where nothing is kept of the generation. */
  readonly piece: OutputPiece | null;
  readonly cursor: OutputCursor;
}

/** Who writes without a pause is read so often. */
const COLLECT_MS = 100;

/** What agents put out, now and as it comes. */
export class AgentOutput {
  readonly #parts: AgentOutputParts;

  constructor(parts: AgentOutputParts) {
    this.#parts = parts;
  }

  /**
   * Who follows an agent goes on with its next generation when nothing is left of the last one, and hears what that still puts
   * out where it ends beside its follower.
   * @throws OmoiError `unknown_agent`
   */
  async read(request: OutputRequest): Promise<ReadOutput> {
    const { agentId, cursor, maxBytes, signal } = request;
    const { managed, external, clock } = this.#parts;
    const newest = await this.#parts.newest(agentId);
    const source = newest.managed ? managed : external;
    const changes = new Changes(clock, request);
    const stopWatching = request.waitMs > 0 ? source.watch(agentId, () => changes.tell()) : () => {};
    try {
      const { generation: asked } = request;
      const apart = source.tellsGenerationsApart;
      const isKept = apart || asked === null || asked === newest.generation;
      let at = { generation: asked ?? newest.generation, from: cursor?.position ?? null };
      if (cursor && apart) at.generation = cursor.generation;
      let earlier: readonly ReadGeneration[] =
        cursor && apart && asked === null ? cursor.earlier.slice(0, maxEarlierFollowed) : [];
      for (;;) {
        const late = await this.#readEarlier(agentId, { earlier, source, maxBytes });
        ({ earlier } = late);
        if (late.read) {
          const position = at.from ?? BEGINNING;
          return { ...late.read, cursor: { generation: at.generation, position, earlier } };
        }
        const of = { agentId, generation: at.generation };
        const { generation } = cursor ? await this.#parts.newest(agentId) : at;
        const isFollowed = asked === null && generation > at.generation;
        // Asked before it is read: what comes in between is read when it is looked at again.
        const hasEnded = !isFollowed || !apart || (await this.#parts.hasEnded(of));
        const piece = isKept ? await source.read(of, at.from, maxBytes) : null;
        const position = behind(at.from, piece);
        const read = {
          generation: at.generation,
          piece,
          cursor: { generation: at.generation, position, earlier },
        };
        if (!cursor || (piece && hasText(piece))) return read;
        if (isFollowed) {
          if (!hasEnded)
            earlier = [{ generation: at.generation, position }, ...earlier].slice(0, maxEarlierFollowed);
          // Those in between come in their order, too: an agent that ends again and again says why in each.
          const next = apart ? Math.max(at.generation + 1, generation - maxGenerationsCaughtUp) : generation;
          at = { generation: next, from: apart ? BEGINNING : at.from };
          continue;
        }
        if (at.generation !== cursor.generation && piece) return read;
        if (signal.aborted || !(await changes.next())) return read;
      }
    } finally {
      stopWatching();
      changes.end();
    }
  }

  async #readEarlier(
    agentId: string,
    {
      earlier,
      source,
      maxBytes,
    }: {
      readonly earlier: readonly ReadGeneration[];
      readonly source: OutputSource;
      readonly maxBytes: number;
    },
  ): Promise<LateOutput> {
    let left = earlier;
    for (const one of earlier.toReversed()) {
      const { generation, position } = one;
      const hasEnded = await this.#parts.hasEnded({ agentId, generation });
      const piece = await source.read({ agentId, generation }, position, maxBytes);
      if (piece && hasText(piece)) {
        const further = { generation, position: behind(position, piece) };
        left = left.map((other) => (other === one ? further : other));
        return { read: { generation, piece }, earlier: left };
      }
      if (hasEnded) left = left.filter((other) => other !== one);
    }
    return { read: null, earlier: left };
  }
}

interface LateOutput {
  /** What one of them has put out since; null where none has. */
  readonly read: { readonly generation: number; readonly piece: OutputPiece } | null;
  /** Those that may still put out something. */
  readonly earlier: readonly ReadGeneration[];
}

function hasText({ stdout, stderr }: OutputPiece): boolean {
  return stdout.text !== '' || stderr.text !== '';
}

function behind(from: OutputPosition | null, piece: OutputPiece | null): OutputPosition {
  return piece ? { stdout: piece.stdout.next, stderr: piece.stderr.next } : (from ?? BEGINNING);
}

/** Changes that somebody waits for, until their time is over. */
class Changes {
  #seen = false;
  #isOver = false;
  #wake: () => void = () => {};
  readonly #clock: Clock;
  readonly #timer: { cancel(): void };
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#end();

  constructor(clock: Clock, { waitMs, signal }: Pick<OutputRequest, 'waitMs' | 'signal'>) {
    this.#clock = clock;
    this.#signal = signal;
    this.#timer = clock.after(waitMs, this.#onAbort);
    signal.addEventListener('abort', this.#onAbort);
  }

  tell(): void {
    this.#seen = true;
    this.#wake();
  }

  end(): void {
    this.#timer.cancel();
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  /** @returns false when the time is over */
  async next(): Promise<boolean> {
    if (!this.#seen && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#isOver) return false;
    await new Promise<void>((resolve) => void this.#clock.after(COLLECT_MS, resolve));
    this.#seen = false;
    return true;
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}
