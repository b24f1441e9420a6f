import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RuleAnswer } from '../api/wire.ts';
import { formatAgo, formatDuration } from '../domain/age.ts';
import { count, number } from '../domain/count.ts';
import { millisecondsText } from '../domain/rule-text.ts';
import { runbookOf } from '../domain/runbook.ts';
import { useNow } from '../hooks/use-now.ts';
import detail from '../pages/detail.module.css';
import { LabelFact } from './label-fact.tsx';
import { Panel } from './panel.tsx';

/** Where a rule stands, what it says, how it does. */
export function AboutRule({ answer: { rule, group } }: { readonly answer: RuleAnswer }) {
  const nowMs = useNow();
  const runbook = runbookOf(rule.annotations);
  return (
    <Panel title="About">
      <dl className={detail.facts}>
        <Fact name="File">
          <span title={group.file}>
            {group.file.split('/').slice(-2).join('/')}:{rule.line}
          </span>
        </Fact>
        <Fact name="Group">{group.name}</Fact>
        <Fact name="Evaluated">
          {rule.last_evaluation === null ? 'never' : formatAgo(Date.parse(rule.last_evaluation), nowMs)},{' '}
          {count(rule.evaluations, 'time')}
        </Fact>
        <Fact name="Cost">
          {millisecondsText(rule.cost_ms)}, the last time {millisecondsText(rule.last_duration_ms)}
        </Fact>
        <Fact name="Delay">
          {rule.delays === 0
            ? 'it never had to wait'
            : `${millisecondsText(rule.last_delay_ms)} the last time, ${number(rule.delays)} in all`}
        </Fact>
        {group.query_offset_ms > 0 && <Fact name="Offset">{formatDuration(group.query_offset_ms)}</Fact>}
        {Object.entries(rule.labels).map(([name, text]) => (
          <LabelFact key={name} {...{ name, text }} />
        ))}
        {Object.entries(rule.annotations)
          .filter(([, text]) => text !== runbook)
          .map(([name, text]) => (
            <Fact key={`annotation ${name}`} name={name}>
              {text}
            </Fact>
          ))}
        {runbook !== null && (
          <Fact name="Runbook">
            <a href={runbook} target="_blank" rel="noreferrer">
              {runbook}
            </a>
          </Fact>
        )}
      </dl>
    </Panel>
  );
}

/** What a rule reads and who sends it, and what stands on it. */
export function RuleRelations({ answer }: { readonly answer: RuleAnswer }) {
  const nowMs = useNow();
  const { reads, senders, policies } = answer;
  return (
    <Panel title="What it stands on">
      <dl className={detail.facts}>
        {reads.map(({ selector, series, at_least: isMore, newest_sample: newest }) => (
          <Fact key={selector} name="Reads">
            <code>{selector}</code>
            <br />
            {isMore && 'more than '}
            {number(series)} series
            {newest !== null && `, the newest sample ${formatAgo(Date.parse(newest), nowMs)}`}
          </Fact>
        ))}
        <Fact name="Looks back">{formatDuration(answer.reach_ms)}</Fact>
        <Fact name="Sent by">{sendersText(senders)}</Fact>
        <RuleLinks name="Recorded by" rules={answer.recorded_by} />
        <RuleLinks name="Read by" rules={answer.read_by} />
        {answer.rule.kind === 'alerting' && (
          <Fact name="Policies">
            {policies.length === 0 && 'none: the watchdog does nothing about its alerts'}
            {policies.map(({ name, mode }, at) => (
              <span key={name}>
                {at > 0 && ', '}
                <Link to="/repairs" search={{ policy: name }}>
                  {name}
                </Link>{' '}
                ({mode})
              </span>
            ))}
          </Fact>
        )}
      </dl>
    </Panel>
  );
}

function RuleLinks({ name, rules }: { readonly name: string; readonly rules: RuleAnswer['read_by'] }) {
  if (rules.length === 0) return null;
  return (
    <Fact name={name}>
      {rules.map(({ rule_key: key, rule_id: id }, at) => (
        <span key={key}>
          {at > 0 && ', '}
          <Link to="/alerts/rules/$ruleKey" params={{ ruleKey: key }}>
            {id}
          </Link>
        </span>
      ))}
    </Fact>
  );
}

function sendersText({ names, count: many, at_least: isMore, anonymous }: RuleAnswer['senders']): string {
  if (many === 0) return 'nobody yet';
  const said = [...names, ...(anonymous ? ['somebody without a token'] : [])];
  const left = many - said.length;
  return `${said.join(', ')}${left > 0 ? ` and ${isMore ? 'more than ' : ''}${number(left)} more` : ''}`;
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
