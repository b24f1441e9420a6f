import type { ReactNode } from 'react';
import { readableValue } from '../domain/count.ts';
import { runbookOf } from '../domain/runbook.ts';
import detail from '../pages/detail.module.css';
import { LabelFact } from './label-fact.tsx';
import { Panel } from './panel.tsx';

export interface AboutAlertProps {
  readonly value: string;
  readonly threshold: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** What is known of what was done about it: terms and their descriptions, behind the value. */
  readonly history: ReactNode;
  /** The same behind everything else. */
  readonly more?: ReactNode;
}

/** What an alert rests on and names, be it firing, resolved or pending. */
export function AboutAlert({ value, threshold, labels, annotations, history, more }: AboutAlertProps) {
  const runbook = runbookOf(annotations);
  return (
    <Panel title="About">
      <dl className={detail.facts}>
        <dt>Value</dt>
        <dd>
          {threshold === null ? readableValue(value) : `${readableValue(value)}, threshold ${threshold}`}
        </dd>
        {history}
        {Object.entries(labels).map(([name, text]) => (
          <LabelFact key={name} {...{ name, text }} />
        ))}
        {runbook !== null && (
          <>
            <dt>Runbook</dt>
            <dd>
              <a href={runbook} target="_blank" rel="noreferrer">
                {runbook}
              </a>
            </dd>
          </>
        )}
        {more}
      </dl>
    </Panel>
  );
}
