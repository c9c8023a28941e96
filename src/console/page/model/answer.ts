// How a person types the answer to a question, and the value that the text stands for. The actor judges it; here only what is no value at all is
// kept back.
import type { Json, JsonObject } from '../../../contract/json.ts';

export type AnswerKind = 'choice' | 'boolean' | 'number' | 'text' | 'json';

export function answerKind(
  schema: JsonObject | undefined,
  choices: readonly string[] | undefined,
): AnswerKind {
  if (choices !== undefined) return 'choice';
  if (schema === undefined) return 'text';
  switch (schema['type']) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'boolean';
    case 'number':
    case 'integer':
      return 'number';
    default:
      return 'json';
  }
}

export type ReadAnswer =
  | { readonly value: Json; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: string };

export function readAnswer(kind: AnswerKind, text: string): ReadAnswer {
  if (text.trim() === '') return { error: 'There is no answer yet.' };
  switch (kind) {
    case 'choice':
    case 'text':
      return { value: text };
    case 'boolean':
      return { value: text === 'true' };
    case 'number':
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { error: 'This is no number.' };
    case 'json':
      try {
        return { value: JSON.parse(text) as Json };
      } catch {
        return { error: 'This is no JSON.' };
      }
  }
}
