/** What a measurement found, in the form that documents, charts and programs read alike. */
import type { MachineFacts } from '../machine-facts.ts'

export interface Table {
  readonly columns: readonly string[]
  /** Cells as they are shown; the first of each row names it. */
  readonly rows: readonly (readonly string[])[]
}

export interface Chart {
  /** Of its file, without an ending. */
  readonly name: string
  readonly title: string
  /** Bars compare programs or kinds of work; lines show how a figure grows. */
  readonly shape: 'bars' | 'lines'
  /** What the categories are; '' where their names say it. */
  readonly categoriesName: string
  readonly categories: readonly string[]
  /** One value for each category; `null`: not measured. */
  readonly series: readonly Series[]
}

interface Series {
  readonly name: string
  readonly values: readonly (number | null)[]
}

/** What a measurement returns. */
export interface Figures {
  /** How it was measured, in a few words: how many rounds of what length. */
  readonly method: string
  /** Programs besides Node, with their releases. */
  readonly programs: readonly string[]
  /** What took no part, and why. */
  readonly skipped: readonly string[]
  readonly tables: readonly Table[]
  readonly charts: readonly Chart[]
}

/** The same with where and when it was measured: what is kept. */
export interface DatedFigures extends Figures {
  readonly name: string
  /** YYYY-MM-DD. */
  readonly date: string
  readonly machine: MachineFacts
}
