import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveEvents, type EventSourceLike } from './live.ts';

/** A connection whose server side the test plays. */
class PlayedSource implements EventSourceLike {
  readyState = 0;
  readonly listeners = new Map<string, (message: MessageEvent<string>) => void>();

  addEventListener(type: string, listener: (message: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  send(type: string, data: string): void {
    this.listeners.get(type)?.(new MessageEvent(type, { data }));
  }

  open(): void {
    this.send('open', '');
  }

  fail(readyState: number): void {
    this.readyState = readyState;
    this.send('error', '');
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function start() {
  const sources: PlayedSource[] = [];
  const heard: string[] = [];
  const live = new LiveEvents(
    () => {
      const source = new PlayedSource();
      sources.push(source);
      return source;
    },
    {
      onOpen: () => heard.push('open'),
      onEvent: (event) => heard.push(`event ${event.id}`),
      onBreak: () => heard.push('break'),
      onReset: () => heard.push('reset'),
    },
  );
  live.watch(() => heard.push(live.state));
  live.start();
  const [first] = sources;
  if (!first) throw new Error('no connection was opened');
  return { live, sources, heard, first };
}

describe('LiveEvents', () => {
  it('tells its state and passes events on', () => {
    const { live, heard, first } = start();
    expect(live.state).toBe('connecting');
    first.open();
    first.send('message', '{"id": 7}');
    first.fail(0);
    first.open();
    first.send('reset', '{}');
    live.stop();
    expect(heard).toEqual(['open', 'live', 'event 7', 'reconnecting', 'break', 'live', 'reset', 'ended']);
  });

  it('opens a new connection when the browser gives up, and asks for a fresh start then', () => {
    const { sources, heard, first } = start();
    first.open();
    first.fail(2);
    expect(sources).toHaveLength(1);
    vi.advanceTimersByTime(5_000);
    expect(sources).toHaveLength(2);
    sources[1]?.open();
    expect(heard).toEqual(['open', 'live', 'reconnecting', 'break', 'reset', 'live']);
  });

  it('asks for a fresh start, too, when it was stopped and is started again', () => {
    const { live, sources, heard, first } = start();
    first.open();
    live.stop();
    live.start();
    sources[1]?.open();
    expect(heard).toEqual(['open', 'live', 'ended', 'connecting', 'reset', 'live']);
  });

  it('stays away once it is stopped', () => {
    const { live, sources, first } = start();
    first.fail(2);
    live.stop();
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
  });
});
