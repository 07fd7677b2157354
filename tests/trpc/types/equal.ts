// `is<Equal<A, B>>()` compiles only where A and B are the same type; `any` is the same as nothing but itself.
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
export const is = <_T extends true>(): void => {};
