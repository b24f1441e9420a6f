import { useComputedColorScheme } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import type { Agent } from '../api/wire.ts';
import { reasonWords } from '../domain/event-sentence.ts';
import { countByStatus } from '../domain/fleet-groups.ts';
import { cellAfterKey, cellAt, layOutGrid, placeOf } from '../domain/heat-grid.ts';
import { agentTone, TONES, type Tone } from '../domain/tone.ts';
import styles from './heat-grid.module.css';

export interface HeatGridProps {
  /** In the order in which they are shown. */
  readonly agents: readonly Agent[];
  /** `Agents of pool mail` */
  readonly label: string;
}

/**
 * Many agents, each a small square in the colour of its status: drawn, since a page can't hold an element for each of
 * thousands. The pointer and the arrow keys read it, a click or Enter opens an agent's page.
 */
export function HeatGrid({ agents, label }: HeatGridProps) {
  const navigate = useNavigate();
  const place = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(place);
  const scheme = useComputedColorScheme('light');
  const [at, setAt] = useState<number | null>(null);
  const [isFocused, setIsFocused] = useState(false);
  const layout = layOutGrid(agents.length, width);
  const { columns } = layout;
  const size = { columns, cells: agents.length };
  const chosen = at === null ? undefined : agents[at];

  useEffect(() => {
    if (canvas.current === null || place.current === null || width === 0) return;
    draw(canvas.current, { agents, width, colours: coloursIn(place.current), cursor: isFocused ? at : null });
  }, [agents, width, scheme, at, isFocused]);

  const open = (agent: Agent | undefined): void => {
    if (agent) void navigate({ to: '/fleet/$agentId', params: { agentId: agent.agent_id } });
  };
  const under = ({ nativeEvent: { offsetX, offsetY } }: MouseEvent): number | null =>
    cellAt(offsetX, offsetY, { ...layout, cells: agents.length });
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter') return open(chosen);
    const next = cellAfterKey(event.key, at ?? 0, size);
    if (next === null) return;
    event.preventDefault();
    setAt(next);
  };
  return (
    <div>
      <div
        ref={place}
        className={styles.grid}
        style={{ height: layout.height }}
        role="slider"
        tabIndex={0}
        aria-label={`${label}, the worst first; Enter opens one`}
        aria-valuemin={1}
        aria-valuemax={agents.length}
        aria-valuenow={(at ?? 0) + 1}
        aria-valuetext={chosen ? captionOf(chosen) : countByStatus(agents)}
        onMouseMove={(event) => setAt(under(event))}
        onMouseLeave={() => setAt(null)}
        onClick={(event) => {
          const cell = under(event);
          open(cell === null ? undefined : agents[cell]);
        }}
        onFocus={() => {
          setIsFocused(true);
          setAt((before) => before ?? 0);
        }}
        onBlur={() => {
          setIsFocused(false);
          setAt(null);
        }}
        onKeyDown={onKeyDown}
      >
        {TONES.map((tone) => (
          <span key={tone} className={styles.tone} data-tone={tone} />
        ))}
        <canvas ref={canvas} aria-hidden="true" />
      </div>
      <p className={styles.caption} aria-hidden="true">
        {chosen ? captionOf(chosen) : countByStatus(agents)}
      </p>
    </div>
  );
}

function captionOf({ agent_id: id, status, status_reason: reason, working_on: work }: Agent): string {
  const doing = work === null ? '' : `, ${work}`;
  return `${id}, ${status.toLowerCase()}: ${reasonWords(reason)}${doing}`;
}

function useWidth(place: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [place]);
  return width;
}

type Colours = Readonly<Record<Tone, string>>;

/** The colours of the page’s scheme: a canvas knows no names of them. */
function coloursIn(element: HTMLElement): Colours {
  const found = [...element.querySelectorAll<HTMLElement>(':scope > [data-tone]')].map(
    (mark) => [mark.dataset['tone'], getComputedStyle(mark).color] as const,
  );
  return Object.fromEntries(found) as Colours;
}

interface Drawing {
  readonly agents: readonly Agent[];
  readonly width: number;
  readonly colours: Colours;
  /** The cell that the keyboard is at; null: none. */
  readonly cursor: number | null;
}

/** Calm ones are faint, so that what is sick stands out. */
const FAINT: ReadonlySet<Tone> = new Set(['good', 'calm', 'gone']);

function draw(canvas: HTMLCanvasElement, { agents, width, colours, cursor }: Drawing): void {
  const layout = layOutGrid(agents.length, width);
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.max(1, Math.round(layout.height * scale));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${layout.height}px`;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.scale(scale, scale);
  let tone: Tone | null = null;
  for (const [cell, agent] of agents.entries()) {
    const next = agentTone(agent.status);
    // The worst come first, so that colours seldom change.
    if (next !== tone) {
      tone = next;
      context.fillStyle = colours[tone];
      context.globalAlpha = FAINT.has(tone) ? 0.55 : 1;
    }
    const { x, y } = placeOf(cell, layout);
    context.fillRect(x, y, layout.side, layout.side);
  }
  if (cursor === null || cursor >= agents.length) return;
  const { x, y } = placeOf(cursor, layout);
  context.globalAlpha = 1;
  context.strokeStyle = getComputedStyle(canvas).color;
  context.lineWidth = 2;
  context.strokeRect(x + 1, y + 1, layout.side - 2, layout.side - 2);
}
