export function processesMarked(mark: string): number[];

export function endMarked(mark: string): Promise<number>;
