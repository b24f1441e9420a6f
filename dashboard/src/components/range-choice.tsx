import { SegmentedControl } from '@mantine/core';
import { QUEUE_RANGE_NAMES, type QueueRange } from '../domain/search.ts';
import { useView } from '../hooks/use-view.ts';

/** How far back the charts of a page reach: it is in its address. */
export function RangeChoice({ range }: { readonly range: QueueRange }) {
  const { change } = useView();
  return (
    <SegmentedControl
      size="xs"
      value={range}
      onChange={(chosen) => change({ range: chosen })}
      data={QUEUE_RANGE_NAMES}
      aria-label="How far back"
    />
  );
}
