import { Link } from '@tanstack/react-router';
import type { CSSProperties } from 'react';
import type { Span } from '../api/wire.ts';
import { formatOffset, formatSpanTime } from '../domain/age.ts';
import { hintOf } from '../domain/span-hint.ts';
import { timeMarks, type Waterfall, type WaterfallRow } from '../domain/trace-tree.ts';
import { InBlocks } from './in-blocks.tsx';
import styles from './trace-waterfall.module.css';

export interface TraceWaterfallProps {
  readonly waterfall: Waterfall<Span>;
  readonly traceId: string;
  readonly chosenId: string | null;
}

const maxMarks = 5;
const rowsPerBlock = 100;
/** In pixels, as the style sheet has it. */
const rowHeight = 30;

/** Every span as a bar on one axis of time, children under their parents. A click opens a span’s details. */
export function TraceWaterfall({ waterfall, traceId, chosenId }: TraceWaterfallProps) {
  const durationMs = waterfall.durationUs / 1_000;
  const marks = timeMarks(durationMs, maxMarks);
  return (
    <div className={styles.waterfall}>
      <div className={styles.axis} aria-hidden="true">
        {marks.map((atMs) => (
          <span key={atMs} style={placeOf(durationMs === 0 ? 0 : atMs / durationMs)}>
            {formatOffset(atMs)}
          </span>
        ))}
      </div>
      <InBlocks
        rows={waterfall.rows}
        keyOf={({ span }) => span.span_id}
        render={(row) => <Row row={row} traceId={traceId} chosen={row.span.span_id === chosenId} />}
        className={styles.rows}
        perBlock={rowsPerBlock}
        blockHeight={rowsPerBlock * rowHeight}
      />
    </div>
  );
}

interface RowProps {
  readonly row: WaterfallRow<Span>;
  readonly traceId: string;
  readonly chosen: boolean;
}

/** What is seen is what is heard, word by word: who speaks to the page says what they see. */
function Row({ row, traceId, chosen }: RowProps) {
  const { span, depth, offset, width, hasParent } = row;
  const hint = hintOf(span.attributes);
  const took = formatSpanTime(span.duration_us / 1_000);
  return (
    <Link
      className={styles.row}
      data-row
      to="/traces/$traceId"
      params={{ traceId }}
      search={{ span: span.span_id }}
      resetScroll={false}
      aria-current={chosen ? 'true' : undefined}
      aria-label={`${span.name}, ${hint === null ? '' : `${hint}, `}${took}${span.status === 'error' ? ', failed' : ''}`}
    >
      <span className={styles.name} style={{ paddingLeft: depth * 14 }}>
        {!hasParent && <span className={styles.orphan}>…</span>}
        {span.name}
        {hint !== null && <span className={styles.hint}> {hint}</span>}
      </span>{' '}
      <span className={styles.track}>
        <span
          className={styles.bar}
          data-family={familyOf(span.name)}
          data-failed={span.status === 'error'}
          style={{ ...placeOf(offset), width: `max(3px, ${width * 100}%)` }}
        />
      </span>
      <span className={styles.took}>{took}</span>
    </Link>
  );
}

function placeOf(share: number): CSSProperties {
  return { left: `${share * 100}%` };
}

/** The part of Omoi that a span belongs to, as its name begins; it has a colour. */
function familyOf(name: string): string {
  return name.split('.', 1)[0] ?? '';
}
