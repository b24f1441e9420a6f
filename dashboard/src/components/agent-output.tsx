import { SegmentedControl } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { count } from '../domain/count.ts';
import { sentence } from '../domain/event-sentence.ts';
import { countLines, plainText } from '../domain/output-text.ts';
import { useAgentOutput } from '../hooks/use-agent-output.ts';
import styles from './agent-output.module.css';
import { Panel } from './panel.tsx';
import { Nothing } from './query-view.tsx';

type Stream = 'stdout' | 'stderr';

const STREAMS = [
  { value: 'stdout', label: 'output' },
  { value: 'stderr', label: 'errors' },
] as const;

export interface AgentOutputProps {
  readonly agentId: string;
  /** What its newest generation that has ended put out last, where that is kept. */
  readonly kept: { readonly generation: number; readonly text: string } | null;
}

/** What an agent puts out: the last lines, and what comes while the page is open; where there is none, what was kept. */
export function AgentOutputPanel({ agentId, kept }: AgentOutputProps) {
  const output = useAgentOutput(agentId);
  const [chosen, setChosen] = useState<Stream | null>(null);
  // Many programs write to one of the two alone.
  const stream = chosen ?? (output.stdout.text === '' && output.stderr.text !== '' ? 'stderr' : 'stdout');
  const { text, skipped } = output[stream];
  const shown = useMemo(() => plainText(text), [text]);
  const left = useMemo(() => plainText(kept?.text ?? '').trimEnd(), [kept?.text]);
  const isLeft = kept !== null && left !== '' && output.stdout.text === '' && output.stderr.text === '';
  if (isLeft) {
    return (
      <Panel title="Last output" note={`of generation ${kept.generation}, kept when it ended`}>
        <Tail text={left} of={agentId} />
      </Panel>
    );
  }
  return (
    <Panel
      title="Output"
      note={shown === '' ? undefined : `the last ${count(countLines(shown), 'line')}, as it comes`}
      actions={
        <SegmentedControl
          size="xs"
          value={stream}
          onChange={setChosen}
          data={[...STREAMS]}
          aria-label="Which output"
        />
      }
    >
      {shown === '' ? <Nothing>{whyNothing(output, stream)}</Nothing> : <Tail text={shown} of={agentId} />}
      {(skipped || output.failure !== null) && (
        <p className={styles.note}>
          {skipped && 'What is older is in the log files of the agent. '}
          {output.failure !== null && shown !== '' && `Not read now: ${sentence(output.failure)}`}
        </p>
      )}
    </Panel>
  );
}

function whyNothing(
  { generation, kept, failure }: ReturnType<typeof useAgentOutput>,
  stream: Stream,
): string {
  if (failure !== null) return `It cannot be read: ${sentence(failure)}`;
  if (generation === null) return 'It is being read.';
  if (!kept)
    return 'None is kept here: it has put nothing out yet, or runs where this server does not see its output.';
  return stream === 'stdout' ? 'It has put nothing out yet.' : 'It has written no errors yet.';
}

/** Stays at the end while somebody is there, and where they are once they have scrolled up to read. */
function Tail({ text, of }: { readonly text: string; readonly of: string }) {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useEffect(() => {
    const element = place.current;
    if (element !== null && isAtEnd.current) element.scrollTop = element.scrollHeight;
  }, [text]);
  return (
    <pre
      ref={place}
      className={styles.output}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={`Output of ${of}`}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {text}
    </pre>
  );
}
