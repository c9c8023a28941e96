// How much room texts take: the layout reserves it, the drawing fills it.
import type { ChartEdge, ChartState } from './chart-model.ts';
import { shorten, textWidth } from './labels.ts';

export const FONT = { name: 14, note: 12, label: 12 } as const;
export const LINE = { name: 22, note: 17, label: 16 } as const;
export const PADDING = 12;
/** Names are set in a heavier face. */
const BOLD = 1.12;
const MIN_WIDTH = 96;
export const DOT = 12;
export const MAX_LABEL = 36;
export const MAX_NOTE = 44;

/** Height of a state's name and notes; for a compound state the children start below it. */
export function headerHeight({ notes, tags }: ChartState): number {
  return (
    PADDING +
    LINE.name +
    notes.length * LINE.note +
    (tags.length > 0 ? LINE.note + 4 : 0) +
    (notes.length > 0 ? 4 : 0)
  );
}

/** Room for a state's own text. */
export function stateSize(state: ChartState): { readonly width: number; readonly height: number } {
  const tagText = state.tags.join('  ');
  const textWidths = [
    textWidth(shorten(state.name, MAX_LABEL), FONT.name * BOLD) + 2 * PADDING,
    ...state.notes.map((note) => textWidth(shorten(note, MAX_NOTE), FONT.note) + 2 * PADDING),
    tagText === '' ? 0 : textWidth(tagText, FONT.note) + 2 * PADDING + state.tags.length * 12,
  ];
  return { width: Math.max(MIN_WIDTH, ...textWidths), height: headerHeight(state) + PADDING - 2 };
}

export function labelSize({ label, guard }: ChartEdge): { readonly width: number; readonly height: number } {
  const lines = [shorten(label, MAX_LABEL), ...(guard === undefined ? [] : [guardText(guard)])];
  const width = Math.max(...lines.map((line) => textWidth(line, FONT.label))) + 14;
  return { width, height: lines.length * LINE.label + 4 };
}

export function guardText(guard: string): string {
  return `[${shorten(guard, MAX_LABEL - 2)}]`;
}
