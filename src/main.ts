#!/usr/bin/env node
/** The executable: prepares the process, then lets `cli.ts` do the work. */
import './start.js'

// Not a static import: those load everything before the first line of `start.ts` runs.
const { main } = await import('./cli.js')
await main()
