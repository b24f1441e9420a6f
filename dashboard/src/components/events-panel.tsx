import type { SystemEvent } from '#api';
import { SegmentedControl } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { describeEvent } from '../domain/event-sentence.ts';
import { EVENT_FILTER_NAMES, EVENT_FILTERS, type EventFilter } from '../domain/search.ts';
import { traceIdOf } from '../domain/trace-id.ts';
import { useView } from '../hooks/use-view.ts';
import styles from './events-panel.module.css';
import { Panel } from './panel.tsx';
import { Nothing, QueryView } from './query-view.tsx';
import { ToneDot } from './tone-dot.tsx';
import { TraceLink } from './trace-link.tsx';

export interface EventsPanelProps {
  readonly events: UseQueryResult<readonly SystemEvent[]>;
  readonly filter: EventFilter;
  /** How many are shown. */
  readonly maxLines: number;
  /** Whether the list is as high as it is long; else it scrolls in a few lines, which a phone folds. */
  readonly isWhole?: boolean;
}

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });

/** What happened lately, newest first. */
export function EventsPanel({ events, filter, maxLines, isWhole = false }: EventsPanelProps) {
  const { change } = useView();
  return (
    <Panel
      title="Events"
      foldsOnPhone={!isWhole}
      actions={
        <SegmentedControl
          size="xs"
          value={filter}
          onChange={(chosen) => change({ events: chosen })}
          data={EVENT_FILTER_NAMES}
          aria-label="Which events"
        />
      }
    >
      <QueryView query={events} placeholderLines={6}>
        {(found) => {
          const shown = found.filter(({ event_type: type }) => type.startsWith(EVENT_FILTERS[filter]));
          if (shown.length === 0) return <Nothing>Nothing has happened yet.</Nothing>;
          return (
            <EventList events={shown.slice(0, maxLines)} label="Events, newest first" isWhole={isWhole} />
          );
        }}
      </QueryView>
    </Panel>
  );
}

export interface EventListProps {
  readonly events: readonly SystemEvent[];
  /** What they are, and in which order. */
  readonly label: string;
  readonly isWhole?: boolean;
}

/** Events, one a line. */
export function EventList({ events, label, isWhole = false }: EventListProps) {
  return (
    <ol className={styles.events} data-whole={isWhole} tabIndex={0} aria-label={label}>
      {events.map((event) => (
        <EventLine key={event.id} event={event} />
      ))}
    </ol>
  );
}

function EventLine({ event }: { readonly event: SystemEvent }) {
  const { text, tone } = describeEvent(event);
  return (
    <li className={styles.event} data-row>
      <time className={styles.time} dateTime={event.at}>
        {TIME.format(new Date(event.at))}
      </time>
      <ToneDot tone={tone} />
      <span className={styles.text}>{text}</span>
      <TraceLink traceId={traceIdOf(event.traceparent)} of={text} />
    </li>
  );
}
