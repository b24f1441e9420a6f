export interface ToldRun {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly what: string;
  /** How far it is: `120 of 312 packages`. */
  readonly done?: () => string;
}

/** @throws Error where the command cannot be started or fails */
export function runTold(
  run: ToldRun,
  output?: { readonly isTTY?: boolean; write(text: string | Uint8Array): unknown },
): Promise<void>;
