/**
 * The files of the live page, as the admin listener answers with them: read once, when the process
 * starts, so that a page is never put together from two versions of the program.
 *
 * The scripts are modules of this program, compiled like all others and run by the browser as they
 * are. They are found by path; nothing here imports them.
 */
import { readFileSync } from 'node:fs'
import { PAGE_DOCUMENT, PAGE_ICON } from './page-document.ts'
import { PAGE_STYLE } from './page-style.ts'

export interface PageFile {
  readonly path: string
  readonly contentType: string
  readonly body: string
}

const HTML = 'text/html; charset=utf-8'
const CSS = 'text/css; charset=utf-8'
const SVG = 'image/svg+xml; charset=utf-8'
const SCRIPT = 'text/javascript; charset=utf-8'

/** Of `src/admin/page`: the first is what the document names, the others are what it imports. */
const SCRIPTS = [
  'page',
  'browser',
  'charts',
  'admin-client',
  'attention',
  'explain-form',
  'figures',
  'panels',
  'refusal-list',
  'route-table',
]

export const PAGE_FILES: readonly PageFile[] = [
  { path: '/', contentType: HTML, body: PAGE_DOCUMENT },
  { path: '/page/page.css', contentType: CSS, body: PAGE_STYLE },
  { path: '/page/icon.svg', contentType: SVG, body: PAGE_ICON },
  ...SCRIPTS.map((name) => ({
    path: `/page/${name}.js`,
    contentType: SCRIPT,
    body: readFileSync(new URL(`./page/${name}.js`, import.meta.url), 'utf8'),
  })),
]
