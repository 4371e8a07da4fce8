/** How applications read a query. */
import { parse as parseQuerystring } from 'node:querystring'
import express from 'express'

const extendedParser = express().set('query parser', 'extended').get('query parser fn') as (
  query: string,
) => object

/** What applications read a query with, each to the names at the top. */
export const QUERY_READERS: Readonly<Record<string, (query: string) => readonly string[]>> = {
  URLSearchParams: (query) => [...new URLSearchParams(query).keys()],
  querystring: (query) => Object.keys(parseQuerystring(query)),
  'querystring, split at ;': (query) => Object.keys(parseQuerystring(query, ';')),
  'express, extended': (query) => Object.keys(extendedParser(query)),
}
