import { useEffect, useRef, useState, type ReactNode } from 'react';

export interface InBlocksProps<Row> {
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** One row; it stands in a list item. */
  readonly render: (row: Row) => ReactNode;
  /** Of each list. */
  readonly className: string | undefined;
  /** Rows of a block: a multiple of as many as stand side by side. */
  readonly perBlock: number;
  /** What a block is taken to be high, in pixels, until it has been seen. */
  readonly blockHeight: number;
  /** How far from the screen a block is made: a CSS margin. */
  readonly near?: string;
}

/** A list of any length, of which the page holds what is on the screen and near it. */
export function InBlocks<Row>(props: InBlocksProps<Row>) {
  const { rows, keyOf, render, className, perBlock, blockHeight, near = NEAR } = props;
  const blocks = Array.from({ length: Math.ceil(rows.length / perBlock) }, (_, at) =>
    rows.slice(at * perBlock, (at + 1) * perBlock),
  );
  return blocks.map((block, at) => (
    // Blocks are places of the list: what stands in one changes.
    <Block
      key={at * perBlock}
      className={className}
      near={near}
      isNearAtFirst={at === 0}
      heightAtFirst={(blockHeight * block.length) / perBlock}
    >
      {() => block.map((row) => <li key={keyOf(row)}>{render(row)}</li>)}
    </Block>
  ));
}

/** How far from the screen a block is made, so that one who scrolls finds it there. */
const NEAR = '800px 0px';

interface BlockProps {
  readonly className: string | undefined;
  readonly near: string;
  readonly isNearAtFirst: boolean;
  readonly heightAtFirst: number;
  readonly children: () => ReactNode;
}

/** Far from the screen it is an empty place as high as it was. */
function Block({ className, near, isNearAtFirst, heightAtFirst, children }: BlockProps) {
  const list = useRef<HTMLUListElement>(null);
  const [isNear, setIsNear] = useState(isNearAtFirst);
  const [height, setHeight] = useState(heightAtFirst);
  useEffect(() => {
    if (list.current === null) return;
    const observer = new IntersectionObserver(
      (entries) => {
        const entry = entries.at(-1);
        if (!entry) return;
        if (!entry.isIntersecting) setHeight(entry.boundingClientRect.height);
        setIsNear(entry.isIntersecting);
      },
      { rootMargin: near },
    );
    observer.observe(list.current);
    return () => observer.disconnect();
  }, [near]);
  return (
    <ul ref={list} className={className} style={isNear ? undefined : { height }} aria-busy={!isNear}>
      {isNear && children()}
    </ul>
  );
}
