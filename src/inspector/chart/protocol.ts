/** Main thread to drawing thread. */
export interface ChartRequest {
  readonly id: number;
  readonly definition: object;
}

export type ChartAnswer =
  | { readonly id: number; readonly svg: string }
  | { readonly id: number; readonly error: string };
