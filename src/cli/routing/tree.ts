/** A line with what stands below it. */
export interface TreeLine {
  readonly text: string;
  readonly below: readonly TreeLine[];
}

/** A tree in lines, the root at the margin. */
export function treeLines({ text, below }: TreeLine, indent = ''): readonly string[] {
  return [
    text,
    ...below.flatMap((child, at) => {
      const isLast = at === below.length - 1;
      const [first = '', ...rest] = treeLines(child, `${indent}${isLast ? '    ' : '│   '}`);
      return [`${indent}${isLast ? '└── ' : '├── '}${first}`, ...rest];
    }),
  ];
}
